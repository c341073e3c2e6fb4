"""Where the eyes look, from the irises, the corners of the eyes and the pose of the head.

An eye is taken as a ball that sits in the head behind the corners of its lids, which do not move with it.
The line of sight through the middle of the iris meets the ball; the gaze points from the ball's middle to
there. All is measured from the corners that are seen, so that a face unlike the model's costs little.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from worker.faces.landmarker.head_pose import model_point, rotations

GAZE_COLUMNS: Final = (
    *(f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in "xyz"),
    "gaze_angle_x",
    "gaze_angle_y",
)
# For each eye, the left one of an upright picture first: outer corner, inner corner, middle of the iris.
EYE_POINTS: Final = np.array(((33, 133, 468), (263, 362, 473)))

# Half of an adult eye's length.
_EYE_RADIUS_MM: Final = 12.0
# From the middle of an eye's corners to the middle of the eye, in the head's axes (x right, y down, z away),
# (2, 3). The cornea stands 6 mm before the corners. How far to the outside and up was measured: with it, four
# speakers who face the camera look into it (part of what lies between the corners is no part of the ball).
_EYE_OFFSET_MM: Final = np.array(((-1.8, -2.3, 6.0), (1.8, -2.3, 6.0)))
# Middle of each eye's corners in the head's frame, (2, 3).
_CORNERS_MM: Final = np.array(
    [(model_point(outer) + model_point(inner)) / 2 for outer, inner, _ in EYE_POINTS]
)


def gaze(eyes: NDArray[np.floating], poses: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return ``GAZE_COLUMNS``, (F, 8), of F frames; NaN where an input is.

    Two unit vectors from the eyes towards what they look at, in the camera's axes (x right, y down, z away:
    -1 is into the camera), and the angles in radians of their mean: to the right, and down, in the picture.

    Args:
        eyes: ``EYE_POINTS`` as seen by a camera of focal length 1 at the origin, (F, 2, 3, 2).
        poses: Position in millimetres and turn in radians of the head, (F, 6).
    """
    position, turns = poses[:, None, :3].astype(np.float64), rotations(poses[:, 3:])
    depth = (position + np.einsum("fij,ej->fei", turns, _CORNERS_MM))[..., 2:]
    corners = _lines(eyes[:, :, :2].mean(axis=2)) * depth
    middle = corners + np.einsum("fij,ej->fei", turns, _EYE_OFFSET_MM)
    sight = _units(_lines(eyes[:, :, 2]))
    direction = _units(_nearest_on_ball(sight, middle) - middle)
    mean = direction.mean(axis=1)
    angles = np.arctan2(mean[:, :2], -mean[:, 2:])
    return np.concatenate((direction.reshape(-1, 6), angles), axis=1)


def _lines(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the lines of sight through points of the plane before the camera, (..., 2) to (..., 3)."""
    return np.concatenate((points, np.ones_like(points[..., :1])), axis=-1, dtype=np.float64)


def _units(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors (..., 3) at length 1."""
    units: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return units


def _nearest_on_ball(sight: NDArray[np.float64], middle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where lines of sight (unit vectors) first meet an eye, or are nearest where they miss it."""
    along = (sight * middle).sum(axis=-1, keepdims=True)
    missed_by = (middle**2).sum(axis=-1, keepdims=True) - along**2
    inside = np.sqrt(np.maximum(_EYE_RADIUS_MM**2 - missed_by, 0))
    nearest: NDArray[np.float64] = sight * (along - inside)
    return nearest
