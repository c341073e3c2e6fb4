"""What a recipe is trained on: its data sets read, mixed and divided, and their features made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from training.datasets.dataset import Dataset, read_dataset
from training.datasets.folds import make_folds
from training.datasets.mixed import Mixed, mix
from training.datasets.sample import Sample
from training.datasets.splits import divide
from training.features.cache import FeatureCache
from training.features.failure import Failure
from training.fitting.examples import Library
from training.fitting.recipe import Phase, Recipe

# More samples without features than this are no bad luck but another fault.
_MOST_FAILED_SHARE = 0.2


@dataclass(frozen=True)
class Materials:
    """All that a recipe is trained on.

    Attributes:
        recipe: The recipe.
        datasets: By name of their source.
        mixed: All of them as one.
        library: Features of all samples that have some.
        failures: Samples whose features cannot be made.
    """

    recipe: Recipe
    datasets: Mapping[str, Dataset]
    mixed: Mixed
    library: Library
    failures: tuple[Failure, ...]

    def of_phase(self, phase: Phase, samples: Sequence[Sample]) -> list[Sample]:
        """Return those of some samples that a phase draws from."""
        names = {self.datasets[source].name for source in self.recipe.sources_of(phase)}
        return [sample for sample in samples if sample.dataset in names]

    def weights_of(self, phase: Phase) -> dict[str, float]:
        """Return how much each data set of a phase is drawn; nothing where the recipe leaves it open."""
        sources = self.recipe.sources_of(phase)
        given = {source: self.recipe.sources[source].weight for source in sources}
        if all(weight is None for weight in given.values()):
            return {}
        return {self.datasets[source].name: weight or 1.0 for source, weight in given.items()}


@dataclass(frozen=True)
class Division:
    """Who is trained on, looked at in between, and tested, in one round.

    Attributes:
        name: ``fold 1`` and so on, or ``final``.
        training: Samples that the network learns from.
        validation: Samples that are looked at after each epoch, and for the temperature.
        test: Samples that are scored when all is done.
    """

    name: str
    training: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    test: tuple[Sample, ...]


def gather(  # noqa: PLR0913 - each is named
    recipe: Recipe,
    folders: Mapping[str, Path],
    *,
    cache: Path,
    settings: Settings,
    analyzer: str,
    processes: int,
    progress: Callable[[int, int], None],
) -> Materials:
    """Read a recipe's data sets, and make the features that are missing.

    Args:
        recipe: The recipe.
        folders: By name of the source.
        cache: Folder of features.
        settings: As serving has them.
        analyzer: ``landmarker`` or ``openface``.
        processes: How many make features at a time.
        progress: See ``FeatureCache.fill``.

    Raises:
        AvemotionError: ``INVALID_RECIPE`` where folders are missing or strange; ``INVALID_DATASET``;
            ``TRAINING_FAILED`` where the features of many samples cannot be made.
    """
    _check_folders(recipe, folders)
    datasets = {
        name: read_dataset(source.dataset, folders[name], **source.options)
        for name, source in recipe.sources.items()
    }
    mixed = mix(list(datasets.values()), labels=recipe.labels or None, folds=recipe.folds)
    recipe = recipe.model_copy(update={"labels": mixed.labels})
    features = FeatureCache.open(cache, recipe.config, settings, analyzer)
    failures = features.fill(mixed.samples, processes=processes, progress=progress)
    if len(failures) > _MOST_FAILED_SHARE * len(mixed.samples):
        raise AvemotionError(
            ErrorCode.TRAINING_FAILED,
            f"The features of {len(failures):,} of {len(mixed.samples):,} samples cannot be made; the first "
            f"is {failures[0].dataset}/{failures[0].sample_id}: {failures[0].message}",
        )
    return Materials(recipe, datasets, mixed, Library(features), tuple(failures))


def divisions(materials: Materials, folds: Sequence[int], *, final: bool) -> list[Division]:
    """Return the rounds of a training: one a fold, and one that learns from all folds.

    Official test parts are scored in the last one only. Where a data set has no official validation part,
    some speakers of each round's training samples are held out; not in the last, which needs them all.

    Args:
        materials: What is trained on.
        folds: Which folds are tested; each 1 or more.
        final: Whether there is a round for the model itself.

    Raises:
        AvemotionError: ``INVALID_RECIPE``: there is no such fold.
    """
    failed = {(failure.dataset, failure.sample_id) for failure in materials.failures}
    samples = [sample for sample in materials.mixed.samples if (sample.dataset, sample.id) not in failed]
    strange = [fold for fold in folds if not 1 <= fold <= materials.mixed.folds]
    if strange:
        raise AvemotionError(
            ErrorCode.INVALID_RECIPE, f"There is no fold {strange[0]}: there are {materials.mixed.folds}."
        )
    if not folds and not final:
        raise AvemotionError(ErrorCode.INVALID_RECIPE, "There is nothing to train: no fold, and no model.")
    rounds = []
    for fold in folds:
        parts = divide(samples, fold)
        held = held_out(parts.training, materials.recipe.validation)
        kept_out = {(sample.dataset, sample.id) for sample in held}
        training = tuple(sample for sample in parts.training if (sample.dataset, sample.id) not in kept_out)
        test = tuple(sample for sample in parts.test if sample.fold == fold)
        rounds.append(Division(f"fold {fold}", training, (*parts.validation, *held), test))
    if final:
        parts = divide(samples, None)
        rounds.append(Division("final", parts.training, parts.validation, parts.test))
    return rounds


def held_out(samples: Sequence[Sample], share: float) -> tuple[Sample, ...]:
    """Return the samples of about this share of the speakers, of data sets without an official split."""
    if share <= 0:
        return ()
    free = [sample for sample in samples if sample.split is None]
    made = make_folds(free, max(2, round(1 / share)))
    return tuple(sample for sample in free if made.get((sample.dataset, sample.id)) == 1)


def _check_folders(recipe: Recipe, folders: Mapping[str, Path]) -> None:
    missing = sorted(set(recipe.sources) - set(folders))
    strange = sorted(set(folders) - set(recipe.sources))
    if missing or strange:
        said = f"It has no folder for {', '.join(missing)}." if missing else ""
        more = f" It has no source {', '.join(strange)}." if strange else ""
        raise AvemotionError(
            ErrorCode.INVALID_RECIPE,
            f"The recipe takes data from {', '.join(recipe.sources)}. {said}{more} Say --data NAME=FOLDER.",
        )
