"""A CSV file of OpenFace's ``FeatureExtraction``, and how well other numbers go with it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]

# Rows that OpenFace's own documentation advises to keep.
MIN_CONFIDENCE = 0.8
MAX_TURN_RAD = 1.0
TURNS = ("pose_Rx", "pose_Ry", "pose_Rz")


class Agreement(NamedTuple):
    """How one column goes with OpenFace's, over the frames in which both have a value.

    Attributes:
        name: The column.
        r: Pearson's correlation; NaN where one of the two never changes or there are no such frames.
        offset: Mean of ours less mean of theirs, in the column's unit.
        spread: Standard deviation of ours.
        their_spread: Standard deviation of OpenFace's.
    """

    name: str
    r: float
    offset: float
    spread: float
    their_spread: float


def read_recording(path: Path) -> dict[str, Column]:
    """Return the columns of a CSV by name; rows that are not to be trusted are NaN, but for the times."""
    with path.open(newline="", encoding="utf-8") as file:
        # Some builds write blanks after the commas.
        header, *rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    values = np.array(rows, dtype=np.float64)
    columns = dict(zip(header, values.T, strict=True))
    turn = np.max([np.abs(columns[name]) for name in TURNS], axis=0)
    kept = (columns["success"] == 1) & (columns["confidence"] >= MIN_CONFIDENCE) & (turn <= MAX_TURN_RAD)
    return {
        name: column if name in {"frame", "timestamp"} else np.where(kept, column, np.nan)
        for name, column in columns.items()
    }


def compare(name: str, ours: Column, theirs: Column) -> Agreement:
    """Compare a column, a row a frame from the first on; the longer one's end counts for nothing."""
    count = min(len(ours), len(theirs))
    both = ~(np.isnan(ours[:count]) | np.isnan(theirs[:count]))
    mine, other = ours[:count][both], theirs[:count][both]
    if not both.any():
        return Agreement(name, np.nan, np.nan, np.nan, np.nan)
    spread, their_spread = float(mine.std()), float(other.std())
    varies = min(spread, their_spread) > 0
    r = float(np.corrcoef(mine, other)[0, 1]) if varies else np.nan
    return Agreement(name, r, float(mine.mean() - other.mean()), spread, their_spread)
