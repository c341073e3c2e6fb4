"""What a model may take of the face table, each column with the size that counts as 1.

Names and units are those of ``worker.faces.table`` (OpenFace's). Landmarks are not among them, since pixels
of a picture mean nothing without its size; ``shape_`` columns are made of them: how far each of the 68 lies
from its place in a mean face, upright and centred, in distances between the eyes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_INTENSITY_UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
_PRESENCE_UNITS = (*_INTENSITY_UNITS, 28)

SHAPE_COLUMNS = tuple(f"shape_{axis}_{point}" for axis in "xy" for point in range(68))

# Fixed, so that a window's input does not depend on its company: about -1 to 1 for all that faces do.
UNIT_OF: Mapping[str, float] = MappingProxyType(
    {
        # Intensities run from 0 to 5, presences are 0 or 1.
        **{f"AU{unit:02d}_r": 5.0 for unit in _INTENSITY_UNITS},
        **{f"AU{unit:02d}_c": 1.0 for unit in _PRESENCE_UNITS},
        # Radians: a head or an eye hardly turns further than 1, or 57 degrees.
        **{f"pose_R{axis}": 1.0 for axis in "xyz"},
        **{f"gaze_angle_{axis}": 1.0 for axis in "xy"},
        # Millimetres from the camera.
        **{f"pose_T{axis}": 1000.0 for axis in "xyz"},
        # Directions of length 1.
        **{f"gaze_{eye}_{axis}": 1.0 for eye in (0, 1) for axis in "xyz"},
        # A mouth that opens, a brow that rises.
        **dict.fromkeys(SHAPE_COLUMNS, 0.1),
    }
)
