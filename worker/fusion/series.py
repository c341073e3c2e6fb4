"""What the face analyzer measured along a window, as hybrid fusion takes it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.catalog.config import FaceSeries
from shared.catalog.series import SHAPE_COLUMNS
from worker.faces.shape import face_shape
from worker.faces.table import LANDMARK_COLUMNS, FaceTable
from worker.windows import TOLERANCE_S, Window


def window_series(
    table: FaceTable, windows: Sequence[Window], series: FaceSeries, *, segment_start_s: float, fps: float
) -> NDArray[np.float32]:
    """Return columns of a face table along each window, float32 (windows, steps, columns).

    A window is cut into ``steps`` equal parts; the instant in the middle of each takes the nearest row,
    the earlier of two. NaN where the analyzer saw no face, cannot see that column, or the picture has
    ended.

    Args:
        table: Of the segment that the windows lie in.
        windows: Their times count from the start of the media.
        series: Which columns, and how many instants.
        segment_start_s: Time of the table's first row, from the start of the media.
        fps: Rate of its rows.
    """
    columns = _columns(table, series.columns)
    # One row more, for frames that the picture does not have.
    known = np.pad(columns, ((0, 1), (0, 0)), constant_values=np.nan)
    rows = np.array(
        [_nearest_rows(window, series.steps, segment_start_s, fps) for window in windows], np.int64
    ).reshape(len(windows), series.steps)
    found: NDArray[np.float32] = known[np.minimum(rows, len(table))]
    return found


def _columns(table: FaceTable, names: Sequence[str]) -> NDArray[np.float32]:
    """Return columns of a face table, and of what is made of its landmarks, (F, names)."""
    made: dict[str, NDArray[np.float32]] = {}
    if not set(SHAPE_COLUMNS).isdisjoint(names):
        landmarks = np.stack([table.column(name) for name in LANDMARK_COLUMNS], axis=1)
        made = dict(zip(SHAPE_COLUMNS, face_shape(landmarks).T, strict=True))
    return np.stack([made[name] if name in made else table.column(name) for name in names], axis=1)


def _nearest_rows(window: Window, steps: int, segment_start_s: float, fps: float) -> NDArray[np.int64]:
    start_s, end_s = window.start_s - segment_start_s, window.end_s - segment_start_s
    instants_s = start_s + (np.arange(steps) + 0.5) * (end_s - start_s) / steps
    last = max(0, math.ceil((end_s - TOLERANCE_S) * fps) - 1)
    # Times that fall between two rows must not go this way and that by their last digit.
    nearest = np.ceil((instants_s - TOLERANCE_S) * fps - 0.5).astype(np.int64)
    rows: NDArray[np.int64] = np.clip(nearest, 0, last)
    return rows
