"""Rows a frame in OpenFace's column names, order and units, whoever made them.

Names and units follow the output of OpenFace 2.2's ``FeatureExtraction``: landmarks in pixels, head
position in millimetres and rotation in radians (camera axes: x right, y down, z away), action unit
intensities from 0 to 5 (``_r``) and presences 0 or 1 (``_c``). What an analyzer cannot see is null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

# All x, then all y, of the 68 landmarks.
LANDMARK_COLUMNS: Final = tuple(f"{axis}_{point}" for axis in "xy" for point in range(68))
INTENSITY_UNITS: Final = tuple(
    f"AU{unit:02d}" for unit in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
)
PRESENCE_UNITS: Final = (*INTENSITY_UNITS[:-1], "AU28", INTENSITY_UNITS[-1])

# Each value column with the format of its cells.
_FORMATS: Final[dict[str, str]] = {
    **dict.fromkeys((f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in "xyz"), "%.6f"),
    **dict.fromkeys(("gaze_angle_x", "gaze_angle_y"), "%.3f"),
    **dict.fromkeys(("pose_Tx", "pose_Ty", "pose_Tz"), "%.1f"),
    **dict.fromkeys(("pose_Rx", "pose_Ry", "pose_Rz"), "%.3f"),
    **dict.fromkeys(LANDMARK_COLUMNS, "%.1f"),
    **dict.fromkeys((f"{unit}_r" for unit in INTENSITY_UNITS), "%.2f"),
    **dict.fromkeys((f"{unit}_c" for unit in PRESENCE_UNITS), "%.0f"),
}
VALUE_COLUMNS: Final = tuple(_FORMATS)
COLUMNS: Final = ("frame", "face_id", "timestamp", "confidence", "success", *VALUE_COLUMNS)

_INDEX: Final = {name: index for index, name in enumerate(VALUE_COLUMNS)}
# One face is followed, so its id is always 0.
_ROW_FORMAT: Final = ",".join(("%d,0,%.3f,%.2f,%d", *_FORMATS.values()))


@dataclass(frozen=True, eq=False)
class FaceTable:
    """One row for each of F frames; NaN is null.

    Attributes:
        frame: Frame numbers in the whole media, from 1, int64 (F,).
        timestamp: Seconds from the start of the media, float64 (F,).
        confidence: How sure the analyzer is that it sees a face, float32 (F,) in [0, 1].
        success: Whether the row holds values, bool (F,).
        values: The columns named by ``VALUE_COLUMNS``, float32 (F, len(VALUE_COLUMNS)).
    """

    frame: NDArray[np.int64]
    timestamp: NDArray[np.float64]
    confidence: NDArray[np.float32]
    success: NDArray[np.bool_]
    values: NDArray[np.float32]

    @classmethod
    def from_columns(
        cls,
        columns: Mapping[str, NDArray[Any]],
        *,
        fps: float,
        first_frame: int,
        confidence: ArrayLike,
        success: ArrayLike,
    ) -> FaceTable:
        """Build the rows of a segment; columns not given, and all of a row without success, are null.

        Args:
            columns: Some of ``VALUE_COLUMNS``, each of shape (F,).
            fps: Rate of the frames, in frames a second.
            first_frame: Number of media frames before the first row.
            confidence: Shape (F,), in [0, 1].
            success: Shape (F,), bool.

        Raises:
            KeyError: A column is not one of ``VALUE_COLUMNS``.
        """
        succeeded = np.asarray(success, dtype=bool)
        values = np.full((len(succeeded), len(VALUE_COLUMNS)), np.nan, dtype=np.float32)
        for name, column in columns.items():
            values[:, _INDEX[name]] = column
        values[~succeeded] = np.nan
        frame = np.arange(first_frame + 1, first_frame + 1 + len(succeeded), dtype=np.int64)
        return cls(frame, (frame - 1) / fps, np.asarray(confidence, dtype=np.float32), succeeded, values)

    @classmethod
    def concatenate(cls, tables: Sequence[FaceTable]) -> FaceTable:
        """Join the tables of consecutive segments; there must be at least one."""
        return cls(
            *(np.concatenate([getattr(table, field.name) for table in tables]) for field in fields(cls))
        )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.frame)

    def column(self, name: str) -> NDArray[np.float32]:
        """Return one of ``VALUE_COLUMNS``, shape (F,)."""
        return self.values[:, _INDEX[name]]

    def to_csv(self) -> str:
        """Write OpenFace's CSV: a header, then a line a frame; null is an empty cell."""
        lines = [",".join(COLUMNS)]
        for frame, timestamp, confidence, success, values in zip(
            self.frame, self.timestamp, self.confidence, self.success, self.values.tolist(), strict=True
        ):
            line = _ROW_FORMAT % (frame, timestamp, confidence, success, *values)
            lines.append(line.replace("nan", ""))
        return "\n".join(lines) + "\n"
