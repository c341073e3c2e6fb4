"""CSV files as OpenFace's versions write them, with numbers of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from worker.faces.table import INTENSITY_UNITS, LANDMARK_COLUMNS, PRESENCE_UNITS

HEAD = ("frame", "face_id", "timestamp", "confidence", "success")
GAZE = (
    *(f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in "xyz"),
    "gaze_angle_x",
    "gaze_angle_y",
    *(f"eye_lmk_{axis}_{point}" for axis in "xyXYZ" for point in range(56)),
)
POSE = ("pose_Tx", "pose_Ty", "pose_Tz", "pose_Rx", "pose_Ry", "pose_Rz")
SHAPE = (
    *(f"{axis}_{point}" for axis in "XYZ" for point in range(68)),
    *("p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty"),
    *(f"p_{mode}" for mode in range(34)),
)
UNITS = (*(f"{unit}_r" for unit in INTENSITY_UNITS), *(f"{unit}_c" for unit in PRESENCE_UNITS))

WITHOUT_LANDMARKS = (*HEAD, *GAZE, *POSE, *UNITS)
WITH_LANDMARKS = (*HEAD, *GAZE, *POSE, *LANDMARK_COLUMNS, *UNITS)
EVERYTHING = (*HEAD, *GAZE, *POSE, *LANDMARK_COLUMNS, *SHAPE, *UNITS)

# A face in the middle of a picture of 160 x 120.
_USUAL = {
    "confidence": 0.98,
    "success": 1,
    "pose_Tz": 500,
    "AU12_r": 1.5,
    **dict.fromkeys((f"x_{point}" for point in (36, 39, 48)), 65),
    **dict.fromkeys((f"x_{point}" for point in (42, 45, 54)), 95),
    **dict.fromkeys((f"y_{point}" for point in (36, 39, 42, 45)), 50),
    **dict.fromkeys((f"y_{point}" for point in (48, 54)), 85),
}


def table(
    rows: int | Sequence[Mapping[str, object]],
    columns: Sequence[str] = WITH_LANDMARKS,
    *,
    separator: str = ",",
    line_end: str = "\n",
) -> bytes:
    """Return a CSV of so many usual rows, or of rows with some of their cells given."""
    given = [{}] * rows if isinstance(rows, int) else rows
    lines = [separator.join(columns)]
    for index, row in enumerate(given):
        cells: dict[str, object] = {"frame": index + 1, "timestamp": index / 25, **_USUAL, **row}
        lines.append(separator.join(str(cells.get(name, 0)) for name in columns))
    return "".join(f"{line}{line_end}" for line in lines).encode()
