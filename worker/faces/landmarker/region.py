"""The turned square around a face that the landmark model looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

# Room around the face that the landmark model was trained with.
_MARGIN: Final = 1.5


@dataclass(frozen=True)
class Region:
    """A square in frame coordinates.

    Attributes:
        x: Centre in pixels from the left.
        y: Centre in pixels from the top.
        side: Length of a side in pixels.
        angle: Clockwise turn (as seen) in radians; 0 for a level face.
    """

    x: float
    y: float
    side: float
    angle: float

    def to_frame(self, size: float) -> NDArray[np.float64]:
        """Return the (2, 3) matrix that takes points of a ``size`` x ``size`` picture of it to the frame."""
        scale = self.side / size
        cos, sin = scale * np.cos(self.angle), scale * np.sin(self.angle)
        half = size / 2
        return np.array(
            [
                [cos, -sin, self.x - half * (cos - sin)],
                [sin, cos, self.y - half * (sin + cos)],
            ]
        )


def region_around(
    points: NDArray[np.float32], left_eye: NDArray[np.float32], right_eye: NDArray[np.float32]
) -> Region:
    """Return the region around ``points`` (N, 2), level with the line through the eyes.

    Args:
        points: What must lie inside, in pixels.
        left_eye: The eye on the left of an upright picture, (2,) in pixels.
        right_eye: The other eye.
    """
    across, down = right_eye - left_eye
    angle = float(np.arctan2(down, across))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    level = points @ turn
    low, high = level.min(axis=0), level.max(axis=0)
    x, y = turn @ ((low + high) / 2)
    return Region(float(x), float(y), float((high - low).max()) * _MARGIN, angle)


def warp(
    frame: NDArray[np.uint8], to_frame: NDArray[np.float64], size: int, border: int
) -> NDArray[np.uint8]:
    """Return the ``size`` x ``size`` picture whose points ``to_frame`` takes to the frame.

    Args:
        frame: RGB, (H, W, 3), or with a fourth channel.
        to_frame: Matrix (2, 3), as ``Region.to_frame`` gives it.
        size: Side of the picture in pixels.
        border: What lies beyond the frame: one of OpenCV's ``BORDER_*``.
    """
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    picture = cv2.warpAffine(frame, to_frame, (size, size), flags=flags, borderMode=border)
    return picture.astype(np.uint8, copy=False)


def apply(matrix: NDArray[np.float64], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take points (..., 2) through a (2, 3) matrix."""
    moved: NDArray[np.float32] = (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return moved
