"""``card.json``: where a model comes from and what it may be used for."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, model_validator

from shared.catalog.config import ModelConfig, Record
from shared.errors import WarningCode

# Figures of a card that each result carries.
KEY_METRICS = ("war", "uar", "ece", "samples")

# The card as people read it, beside ``card.json``.
PAGE = "CARD.md"

WARNINGS = frozenset(warning.code for warning in WarningCode)

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Field(min_length=1)]


def _day(value: object) -> object:
    """Read a day as ISO 8601 writes it; pydantic would take a number for seconds since 1970."""
    return value if value is None or isinstance(value, dt.date) else dt.date.fromisoformat(str(value))


class WeightsSource(Record):
    """Where an encoder's weights came from before they were trained here; more may be said of it."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)

    kind: Text = Field(description="Format that they were read from.")
    sha256: Sha256 = Field(description="Hash of the file that they were read from.")
    licence: Text = Field(description="SPDX name of their licence, which binds what is made of them.")


class ModelCard(ModelConfig):
    """A model as the service knows it: its configuration, origin, licence and figures."""

    # One name in requests, results and the file system, so it holds no separator.
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,127}$")] = Field(
        description="Name of the model, and of its folder."
    )
    description: Text = Field(description="What the model is, in a sentence.")
    licence: Text = Field(description="SPDX name of the weights' licence.")
    trained: bool = Field(description="Whether the outputs mean anything.")
    weights: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.weights\.h5$")] | None = Field(
        description="Weights file in the folder; null for random weights from a fixed seed."
    )
    weights_sha256: Sha256 | None = Field(
        description="Hash over the named weights in order, as `worker.model.weights` computes it."
    )
    date: Annotated[dt.date | None, BeforeValidator(_day)] = Field(
        None, description="Day on which it was made."
    )
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}(-dirty)?$")] | None = Field(
        None, description="Git revision of the code that made it; `-dirty` where files had been changed."
    )
    source: WeightsSource | None = Field(
        None, description="Weights that the encoder started from; null where it started from random ones."
    )
    data: tuple[str, ...] = Field((), description="Data sets the model was trained on.")
    folds: dict[str, str] = Field(
        {}, description="By data set: how it was split, and what of it the figures are from."
    )
    affect_source: Literal["annotated", "class_constant"] | None = Field(
        None,
        description="What valence and arousal were learned from: people's annotations, or constants of each "
        "class; null where they were not learned.",
    )
    metrics: dict[str, float] = Field({}, description="Figures by name, on people not trained on.")
    warnings: tuple[str, ...] = Field((), description="Codes of warnings that each result carries.")
    folder: Path | None = Field(None, exclude=True, description="Where the card was read.")

    @property
    def weights_path(self) -> Path | None:
        """The weights file; None where the weights come from the fixed seed."""
        return self.folder / self.weights if self.folder and self.weights else None

    @property
    def page_path(self) -> Path | None:
        """The card as a page for people, Markdown; None where the model has none."""
        path = self.folder / PAGE if self.folder else None
        return path if path is not None and path.is_file() else None

    def in_results(self) -> dict[str, JsonValue]:
        """Return what results say of the model that made them, copied: its folder may change or go."""
        return {
            "id": self.id,
            "preset": self.preset,
            "fusion": self.fusion,
            "labels": list(self.labels),
            "weights_sha256": self.weights_sha256,
            "trained": self.trained,
            "card_url": f"/models/{self.id}",
            "metrics": {name: self.metrics[name] for name in KEY_METRICS if name in self.metrics},
        }

    @model_validator(mode="after")
    def _is_honest(self) -> ModelCard:
        unknown = sorted(set(self.warnings) - WARNINGS)
        if unknown:
            raise ValueError(f"unknown warning codes: {', '.join(unknown)}")
        strangers = sorted(set(self.folds) - set(self.data))
        if strangers:
            raise ValueError(f"folds are of {', '.join(strangers)}, which data does not name")
        if self.trained and self.weights is None:
            raise ValueError("a trained model needs a weights file")
        if self.weights and self.weights_sha256 is None:
            raise ValueError("a weights file needs its weights_sha256")
        # Nothing untrained may ever look like a result.
        if self.trained == (WarningCode.UNTRAINED_MODEL.code in self.warnings):
            raise ValueError("the warning untrained_model belongs to untrained models, and to each of them")
        if not self.trained:
            return self
        for code, source in (
            (WarningCode.AFFECT_FROM_CLASSES.code, "class_constant"),
            (WarningCode.AFFECT_UNTRAINED.code, None),
        ):
            if (self.affect_source == source) != (code in self.warnings):
                raise ValueError(
                    f"the warning {code} belongs to trained models whose affect_source is "
                    f"{source or 'null'}, and to each of them"
                )
        return self
