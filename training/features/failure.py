"""Why a sample has no features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from shared.errors import ErrorCode
from training.datasets.sample import Sample


@dataclass(frozen=True)
class Failure:
    """A sample without features.

    Attributes:
        sample_id: Its id.
        code: What went wrong.
        message: The same as a sentence.
        dataset: Of the sample: its id is unique there only.
    """

    sample_id: str
    code: ErrorCode
    message: str
    dataset: str

    @classmethod
    def of(cls, sample: Sample, code: ErrorCode, message: str) -> Self:
        """Return the failure of a sample."""
        return cls(sample.id, code, message, sample.dataset)
