"""Parts of the scored samples, beside each other: by fold, speaker, data set or anything else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from training.evaluation.document import Part, Rates
from training.evaluation.scored import Scored
from training.evaluation.telling import rates_of


class PartRow(Part):
    """The samples that share a value."""

    value: str
    samples: int = Field(description="All of them, labelled or not.")
    rates: Rates | None = Field(description="Null where none of them is labelled.")


class PartTable(Part):
    """Figures part by part."""

    by: str = Field(description="What the samples of a part share.")
    rows: tuple[PartRow, ...]


def part_table(by: str, scored: Scored, values: Sequence[str]) -> PartTable:
    """Return the figures of each part, in the order of numbers and names.

    The intervals of a part are from draws of its own speakers; where it has a single one, of its samples.

    Args:
        by: What the samples of a part share.
        scored: All samples, N.
        values: What each of the N samples has there; samples with an empty one are in no part.
    """
    found = np.array(values, object)
    rows = []
    for value in sorted(set(values) - {""}, key=_natural):
        part = scored.rows(found == value)
        told = part.rows(part.labelled)
        rows.append(PartRow(value=value, samples=len(part), rates=rates_of(told) if len(told) else None))
    return PartTable(by=by, rows=tuple(rows))


def _natural(value: str) -> tuple[bool, int, str]:
    """Return a key that puts fold 2 before fold 10."""
    return (not value.isdecimal(), int(value) if value.isdecimal() else 0, value)
