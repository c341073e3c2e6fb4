"""What is trained on what, in which steps: a TOML file, checked before anything is read or computed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from shared.catalog.config import Label, ModelConfig, Record
from shared.errors import AvemotionError, ErrorCode
from training.fitting.card_notes import CardNotes

RECIPES = "training.recipes"

# Stand in where a configuration is checked before the data sets were read.
_ANY_LABELS = ("neutral", "other")

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Draw = Literal["clips", "faces", "voices", "pairs"]


class Source(Record):
    """One data set of a recipe; where it lies is said when the recipe is used."""

    dataset: str = Field(description="Layout of its folder, as `avemotion dataset check` names it.")
    weight: Positive | None = Field(None, description="Its share of what is drawn, relative to the others.")
    options: dict[str, Any] = Field({}, description="How it is read, such as `label_source`.")


class Augmentation(Record):
    """How much training pictures, measures and sounds are changed; 0 is not at all, 1 is usual."""

    pictures: Annotated[float, Field(ge=0, le=2)] = Field(1.0, description="Strength on pictures.")
    motion: Annotated[float, Field(ge=0, le=2)] = Field(
        0.0, description="Strength of movement from frame to frame, for pictures that stand still."
    )
    camera: Annotated[float, Field(ge=0, le=2)] = Field(
        0.0, description="How often pictures are exposed wrongly, tinted or strongly compressed."
    )
    sound: Annotated[float, Field(ge=0, le=2)] = Field(1.0, description="Strength on sounds.")
    series_dropout: Share = Field(0.15, description="How often all of a face's measures are hidden.")


class Phase(Record):
    """One stretch of training."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")] = Field(description="In logs and files.")
    sources: tuple[str, ...] = Field((), description="Names of sources; all of them when empty.")
    draw: Draw = Field(
        "clips",
        description="`clips` with all that they have, `faces` or `voices` alone, or `pairs`: the face of one "
        "sample with the voice of another.",
    )
    pair_agreement: Share = Field(
        1.0, description="How often the voice of a pair is one of the face's class; else it is any voice."
    )
    pair_noise: Share = Field(0.0, description="How often the voice of a pair is noise instead.")
    pair_alone: Share = Field(
        0.0,
        description="How often only one of a pair is given: the face, or any voice with its own label, each "
        "as often.",
    )
    tubelets: Count | None = Field(
        None,
        description="With `faces` or `voices`: tubelets of a window that are given; all when unset.",
    )
    epochs: Count
    samples_per_epoch: Count | None = Field(None, description="How many are drawn; each once when unset.")
    batch: Count = 32
    learning_rate: Positive = Field(1e-3, description="At its peak, of the heads.")
    final_learning_rate: Share = Field(0.02, description="At the end of the cosine, as a share of the peak.")
    warmup_epochs: Annotated[float, Field(ge=0)] = 1.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    layer_decay: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="Each block's rate as a share of the one behind it."
    )
    frozen: tuple[str, ...] = Field((), description="Starts of names of weights that stay as they are.")
    clip_norm: Positive = 1.0
    ema: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Momentum of the moving average of the weights, which is kept; 0 keeps the last."
    )
    label_smoothing: Share = 0.1
    mixup: Annotated[float, Field(ge=0)] = Field(
        0.2, description="Alpha of mixup's beta distribution; 0: off."
    )
    modality_dropout: Share = 0.0
    class_balance: Share = Field(
        0.5, description="Weight of a class: its frequency to the power of minus this; 1 makes all alike."
    )
    affect_weight: Annotated[float, Field(ge=0)] = Field(
        0.5, description="Weight of valence and arousal, beside 1 for emotion."
    )
    augmentation: Augmentation = Augmentation()

    @model_validator(mode="after")
    def _goes_together(self) -> Phase:
        if self.tubelets is not None and self.draw not in {"faces", "voices"}:
            raise ValueError("tubelets belongs to the draws faces and voices, and to no other")
        if (self.pair_agreement < 1 or self.pair_noise > 0 or self.pair_alone > 0) and self.draw != "pairs":
            raise ValueError("pair_agreement, pair_noise and pair_alone belong to the draw pairs alone")
        return self


class Recipe(Record):
    """All that decides what comes out of a training, but where its data lie."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,127}$")] = Field(description="Of the model.")
    description: str = Field(description="What the model is, in a sentence.")
    licence: str = Field("LicenseRef-research-only", description="SPDX name of the weights' licence.")
    labels: tuple[Label, ...] = Field((), description="Emotions; those of the data sets when empty.")
    seed: Annotated[int, Field(ge=0)] = 1
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    drop_path: Share = 0.1
    stored_as: Literal["float32", "float16"] = Field("float32", description="Numbers of the weights file.")
    validation: Annotated[float, Field(ge=0, lt=0.5)] = Field(
        0.1, description="Share of the training speakers that are held out to watch and to calibrate with."
    )
    watched: Count | None = Field(
        None, description="How many of the held-out samples are looked at after each epoch; all when unset."
    )
    folds: Count = Field(5, description="Folds that are made where a data set brings none.")
    model: dict[str, Any] = Field(description="The model's configuration, without its labels.")
    sources: dict[str, Source] = Field(
        {}, description="Data sets by a name; those that are given on the command line when empty."
    )
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    card: CardNotes = CardNotes()

    @model_validator(mode="after")
    def _goes_together(self) -> Recipe:
        names = [phase.name for phase in self.phases]
        if len(set(names)) < len(names):
            raise ValueError("two phases have one name")
        for phase in self.phases:
            strangers = sorted(set(phase.sources) - set(self.sources))
            if strangers and self.sources:
                raise ValueError(f"phase {phase.name} names {', '.join(strangers)}, which is no source")
        strangers = sorted(set(self.card.uses) - set(self.sources))
        if strangers and self.sources:
            raise ValueError(f"card.uses names {', '.join(strangers)}, which is no source")
        self.config  # noqa: B018 - it raises
        return self

    @property
    def config(self) -> ModelConfig:
        """The configuration of the model that comes out; its labels are not yet true where there are none."""
        return ModelConfig.model_validate({"format": 1, "labels": self.labels or _ANY_LABELS, **self.model})

    def sources_of(self, phase: Phase) -> tuple[str, ...]:
        """Return the names of the sources that a phase draws from."""
        return phase.sources or tuple(self.sources)


def load_recipe(name: str, changes: Mapping[str, Any] | None = None, sources: Sequence[str] = ()) -> Recipe:
    """Return a recipe.

    Args:
        name: Path of a TOML file, or the name of one that comes with the project.
        sources: Data sets to train on where the recipe itself names none.
        changes: Values by dotted name, such as ``phases.0.epochs``, in place of those in the file.

    Raises:
        AvemotionError: ``INVALID_RECIPE``, with the keys that are wrong.
    """
    path = Path(name)
    place = path if path.suffix == ".toml" else files(RECIPES).joinpath(f"{name}.toml")
    try:
        document = tomllib.loads(place.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(file.name.removesuffix(".toml") for file in _shipped()))
        raise _invalid(f"{name} cannot be read. Give a .toml file, or one of {known}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _invalid(f"{name} is not TOML: {error}.") from error
    for key, value in (changes or {}).items():
        _put(document, key, value)
    if not document.get("sources"):
        document["sources"] = {source: {"dataset": source} for source in sources}
    try:
        return Recipe.model_validate(document)
    except ValidationError as error:
        found = (
            f"{'.'.join(map(str, fault['loc'])) or name}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors(include_url=False)
        )
        raise _invalid(f"{name} is no recipe: {'; '.join(found)}.") from error


def _shipped() -> list[Any]:
    return [file for file in files(RECIPES).iterdir() if file.name.endswith(".toml")]


def _put(document: dict[str, Any], key: str, value: Any) -> None:
    """Set the value at a dotted name; a number is a place in a list."""
    *path, last = key.split(".")
    here: Any = document
    try:
        for part in path:
            here = here[int(part)] if isinstance(here, list) else here.setdefault(part, {})
        if isinstance(here, list):
            here[int(last)] = value
        else:
            here[last] = value
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise _invalid(f"The recipe has no place {key}.") from error


def _invalid(message: str) -> AvemotionError:
    return AvemotionError(ErrorCode.INVALID_RECIPE, message)
