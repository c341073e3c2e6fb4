"""The report as a document."""

from __future__ import annotations

import math
from typing import Self

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A part of the report; what is not known is null, never NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Estimate(Part):
    """A figure with its 95 % interval; null where it has no value."""

    value: float | None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, value: float, low: float = math.nan, high: float = math.nan) -> Self:
        """Return the figure, with null for what is no finite number."""
        known = [float(number) if math.isfinite(number) else None for number in (value, low, high)]
        return cls(value=known[0], low=known[1], high=known[2])


class Bin(Part):
    """Samples of a range of confidence."""

    low: float = Field(description="Lower end of the range.")
    high: float = Field(description="Upper end of the range.")
    samples: int
    confidence: float = Field(description="Mean confidence of the samples.")
    accuracy: float = Field(description="Share of the samples that were given their true label.")
