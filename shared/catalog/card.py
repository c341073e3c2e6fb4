"""``card.json``: where a model comes from and what it may be used for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from shared.catalog.config import ModelConfig
from shared.errors import WarningCode

WARNINGS = frozenset(warning.code for warning in WarningCode)


class ModelCard(ModelConfig):
    """A model as the service knows it: its configuration, origin, licence and figures."""

    # One name in requests, results and the file system, so it holds no separator.
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,127}$")] = Field(
        description="Name of the model, and of its folder."
    )
    description: Annotated[str, Field(min_length=1)] = Field(description="What the model is, in a sentence.")
    licence: Annotated[str, Field(min_length=1)] = Field(description="SPDX name of the weights' licence.")
    trained: bool = Field(description="Whether the outputs mean anything.")
    weights: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.weights\.h5$")] | None = Field(
        description="Weights file in the folder; null for random weights from a fixed seed."
    )
    weights_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        description="Hash over the named weights in order, as `worker.model.weights` computes it."
    )
    data: tuple[str, ...] = Field((), description="Data sets the model was trained on.")
    metrics: dict[str, float] = Field({}, description="Figures by name, on people not trained on.")
    warnings: tuple[str, ...] = Field((), description="Codes of warnings that each result carries.")
    folder: Path | None = Field(None, exclude=True, description="Where the card was read.")

    @property
    def weights_path(self) -> Path | None:
        """The weights file; None where the weights come from the fixed seed."""
        return self.folder / self.weights if self.folder and self.weights else None

    @model_validator(mode="after")
    def _is_honest(self) -> ModelCard:
        unknown = sorted(set(self.warnings) - WARNINGS)
        if unknown:
            raise ValueError(f"unknown warning codes: {', '.join(unknown)}")
        if self.trained and self.weights is None:
            raise ValueError("a trained model needs a weights file")
        if self.weights and self.weights_sha256 is None:
            raise ValueError("a weights file needs its weights_sha256")
        # Nothing untrained may ever look like a result.
        if self.trained == (WarningCode.UNTRAINED_MODEL.code in self.warnings):
            raise ValueError("the warning untrained_model belongs to untrained models, and to each of them")
        return self
