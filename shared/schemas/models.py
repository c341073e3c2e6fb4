"""What clients are told of models."""

from __future__ import annotations

from pydantic import BaseModel, Field

from shared.catalog import ModelCard


class ModelList(BaseModel):
    """All models that can be asked for."""

    models: list[ModelCard]
    default: str = Field(description="Model of a job that names none.")
