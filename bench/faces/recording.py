"""A CSV file of OpenFace's ``FeatureExtraction``, and how well other numbers go with it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from worker.faces.openface.recording import parse
from worker.faces.openface.rows import build_table
from worker.faces.openface.video import Video
from worker.faces.table import FaceTable

Column = NDArray[np.float64]


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


def read_table(path: Path, frames: int, fps: float) -> FaceTable:
    """Return the rows of a CSV of OpenFace, those that are not to be trusted null, as the service reads it.

    Args:
        path: The file.
        frames: How many frames the clip has.
        fps: Their rate.

    Raises:
        AvemotionError: This is no table of OpenFace.
        FileNotFoundError: There is none.
    """
    recording = parse(path.read_bytes(), frames)
    return build_table(recording, Video(path, frames, scale_x=1, scale_y=1), fps=fps, first_frame=0)


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
