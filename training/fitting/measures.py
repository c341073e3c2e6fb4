"""Changes to training measures of a face: noise, what is not known, and the mirror."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.catalog.series import UNIT_OF

Generator = np.random.Generator

# Of a column's unit.
_NOISE: Final = 0.03
_UNKNOWN_SHARE: Final = 0.1
# Left and right change places: pairs of the 68 landmarks.
_PAIRS: Final = (
    *((point, 16 - point) for point in range(8)),
    *((17 + point, 26 - point) for point in range(5)),
    *((31, 35), (32, 34), (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)),
    *((48, 54), (49, 53), (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67)),
)
_EYES: Final = {"gaze_0": "gaze_1", "gaze_1": "gaze_0"}
# What a mirror turns round: yaw, roll, and all that points or lies to the right.
_TURNED: Final = ("pose_Ry", "pose_Rz", "pose_Tx", "gaze_angle_x", "gaze_0_x", "gaze_1_x")


def augment_series(
    series: NDArray[np.float32], columns: Sequence[str], generator: Generator, *, dropout: float
) -> NDArray[np.float32]:
    """Return a window's measures as another analyzer, or a worse picture, might have given them.

    Args:
        series: (steps, columns), NaN where not known.
        columns: Their names.
        generator: Where chance comes from.
        dropout: How often none of them is known.
    """
    if generator.random() < dropout:
        return np.full_like(series, np.nan)
    units = np.array([UNIT_OF[column] for column in columns], np.float32)
    changed = series + generator.normal(0, _NOISE, series.shape).astype(np.float32) * units
    units_known = generator.random(len(columns)) >= _UNKNOWN_SHARE
    # Of the shape all is known or nothing: it comes from one fit.
    kept = units_known | np.array([column.startswith("shape_") for column in columns])
    return np.where(kept, changed, np.float32(np.nan))


def mirror_series(series: NDArray[np.float32], columns: Sequence[str]) -> NDArray[np.float32]:
    """Return the measures of a face as a mirror shows it, (..., columns)."""
    source, sign = _mirror(tuple(columns))
    return (series[..., source] * sign).astype(np.float32, copy=False)


@lru_cache(maxsize=8)
def _mirror(columns: tuple[str, ...]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return where each column comes from, and whether it is turned round."""
    other = dict(_PAIRS) | {second: first for first, second in _PAIRS}
    source, sign = [], []
    for column in columns:
        name = column
        if column.startswith("shape_"):
            stem, _, point = column.rpartition("_")
            name = f"{stem}_{other.get(int(point), int(point))}"
        elif column[:6] in _EYES:
            name = _EYES[column[:6]] + column[6:]
        source.append(columns.index(name) if name in columns else columns.index(column))
        sign.append(-1.0 if column in _TURNED or column.startswith("shape_x") else 1.0)
    return np.array(source), np.array(sign, np.float32)
