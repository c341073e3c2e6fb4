"""What clients are told of models."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shared.catalog import ModelCard
from shared.catalog.config import FusionName


class ModelList(BaseModel):
    """All models that can be asked for."""

    models: list[ModelCard]
    default: str = Field(description="Model of a job that names neither model nor fusion.")
    fusions: dict[FusionName, str] = Field(
        description="Fusions that can be asked for, each with the model of a job that names nothing else."
    )
