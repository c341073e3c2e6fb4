"""Features of samples on disk, made once: a file a sample, found by all that decides its content."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from shared.catalog import ModelConfig
from shared.errors import AvemotionError, ErrorCode
from shared.scratch import sweep_scratch
from shared.settings import Settings
from training.datasets.sample import Sample
from training.features.drafts import sweep, write_whole
from training.features.extraction import check_audio
from training.features.failure import Failure
from training.features.fingerprint import fingerprint, recipe_of
from training.features.making import Order, make
from training.features.pool import work_through
from training.features.sample_features import SampleFeatures
from training.features.sources import version_of
from training.features.store import load
from worker.faces import load_analyzer

_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")


def nobody(_done: int, _total: int) -> None:
    """Tell nobody how far the work is."""


@dataclass(frozen=True)
class FeatureCache:
    """Features of samples for one configuration, settings and analyzer.

    Other ones have a folder of their own beside it, and another version of a sample's files another name
    in it: what is found is never out of date. Folders may be deleted at any time.

    Attributes:
        folder: Where the files of this configuration are.
        config: For which the features are made.
        settings: With which they are made.
        analyzer_name: What sees the faces.
    """

    folder: Path
    config: ModelConfig
    settings: Settings
    analyzer_name: str

    @classmethod
    def open(cls, folder: Path, config: ModelConfig, settings: Settings, analyzer_name: str) -> Self:
        """Open a cache, and make it if there is none.

        Args:
            folder: Of caches of all configurations.
            config: Of the model that is to be trained. Fusion, layout, labels and series do not matter here:
                one cache serves several models.
            settings: As serving has them.
            analyzer_name: ``landmarker`` or ``openface``.

        Raises:
            AvemotionError: The analyzer cannot work here, the configuration hears otherwise than this
                version does, or the folder cannot be written.
        """
        check_audio(config)
        recipe = recipe_of(config, settings, load_analyzer(analyzer_name, settings))
        place = folder / fingerprint(recipe)
        if not (place / "recipe.json").exists():
            write_whole(place / "recipe.json", (json.dumps(recipe, indent=2) + "\n").encode())
        return cls(place, config, settings, analyzer_name)

    def path_of(self, sample: Sample) -> Path:
        """Return where a sample's features are, or would be.

        Raises:
            AvemotionError: ``MEDIA_MISSING``: a file of the sample is not there.
        """
        name = f"{_safe(sample.id)}-{fingerprint([sample.id, version_of(sample)])}.npz"
        return self.folder / _safe(sample.dataset) / name

    def missing(self, samples: Iterable[Sample]) -> list[Sample]:
        """Return the samples without features, those whose files are not there among them."""
        return [sample for sample in samples if not self._has(sample)]

    def _has(self, sample: Sample) -> bool:
        try:
            return self.path_of(sample).exists()
        except AvemotionError:
            return False

    def read(self, sample: Sample) -> SampleFeatures:
        """Return the features of a sample, with the series that the configuration asks for.

        Raises:
            AvemotionError: There are none, or their file is damaged.
        """
        path = self.path_of(sample)
        try:
            return load(path, self.config, self.settings)
        except FileNotFoundError as error:
            raise AvemotionError(
                ErrorCode.TRAINING_FAILED, f"The features of {sample.dataset}/{sample.id} were not made yet."
            ) from error

    def fill(
        self,
        samples: Sequence[Sample],
        *,
        processes: int,
        progress: Callable[[int, int], None] = nobody,
    ) -> list[Failure]:
        """Make the features that are missing; what was made before is kept, however that ended.

        Args:
            samples: All that are wanted.
            processes: How many at a time; they end with this one, also where it is killed.
            progress: Given how many samples are done, and of how many.

        Returns:
            The samples whose features cannot be made, in their order: the others are all there.

        Raises:
            AvemotionError: ``TRAINING_FAILED``: features cannot be written, as on a full disk, or one
                process after the other dies.
        """
        sweep(self.folder)
        sweep_scratch(self.settings.scratch_dir, 2 * self.settings.stage_hard_limit_s)
        missing = self.missing(samples)
        done = len(samples) - len(missing)
        progress(done, len(samples))
        failures: dict[str, Failure] = {}
        for sample, failure in self._made(missing, processes):
            if failure is not None:
                failures[f"{sample.dataset}/{sample.id}"] = failure
            done += 1
            progress(done, len(samples))
        return [failures[name] for each in missing if (name := f"{each.dataset}/{each.id}") in failures]

    def _made(self, samples: Sequence[Sample], processes: int) -> Iterator[tuple[Sample, Failure | None]]:
        """Make the features of samples; yield each, as they come, with what went wrong."""
        orders = []
        for sample in samples:
            try:
                orders.append(Order(sample, self.path_of(sample)))
            except AvemotionError as error:
                yield sample, Failure.of(sample, error.code, error.message)
        work = partial(make, config=self.config, settings=self.settings, analyzer_name=self.analyzer_name)
        for outcome in work_through(work, orders, processes):
            sample, failure = orders[outcome.number].sample, outcome.value
            if outcome.died:
                message = "The process that made its features was killed; the machine may be short of memory."
                failure = Failure.of(sample, ErrorCode.WORKER_LOST, message)
            yield sample, failure


def _safe(name: str) -> str:
    """Return a name as it stands, or a short hash of one that is no name for a file."""
    return name if _SAFE_NAME.fullmatch(name) else fingerprint(name)
