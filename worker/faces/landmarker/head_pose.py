"""Where the head is and how it is turned, from a rigid model of the face.

The model is MediaPipe's canonical face (average adult, in millimetres). The camera is unknown, so its
focal length is guessed from the frame as OpenFace does; positions are only as good as that guess.
"""

from __future__ import annotations

import json
from importlib.resources import files
from math import asin, atan2
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

POSE_COLUMNS: Final = ("pose_Tx", "pose_Ty", "pose_Tz", "pose_Rx", "pose_Ry", "pose_Rz")

_DATA: Final = json.loads(files(__package__).joinpath("head_pose.json").read_text(encoding="utf-8"))
_MESH_POINTS: Final = np.array([point["mesh_point"] for point in _DATA["points"]])
_MODEL_MM: Final = np.array([point["position_mm"] for point in _DATA["points"]], dtype=np.float64)


def model_point(mesh_point: int) -> NDArray[np.float64]:
    """Return where a point of the mesh lies in the head's frame, in millimetres, (3,).

    Raises:
        KeyError: It is not one of the model's points.
    """
    (found,) = np.flatnonzero(mesh_point == _MESH_POINTS)
    position: NDArray[np.float64] = _MODEL_MM[found]
    return position


def focal_length(width: int, height: int) -> float:
    """Return the focal length, in pixels, of the camera that OpenFace assumes for frames of this size."""
    return (500 * width / 640 + 500 * height / 480) / 2


def camera_matrix(width: int, height: int) -> NDArray[np.float64]:
    """Return the (3, 3) matrix of the camera that OpenFace assumes for frames of this size in pixels."""
    focal_px = focal_length(width, height)
    return np.array([[focal_px, 0, width / 2], [0, focal_px, height / 2], [0, 0, 1]])


def head_pose(points: NDArray[np.float32], camera: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``POSE_COLUMNS`` (6,): position in millimetres and turn in radians; NaN where there is none.

    Axes are the camera's: x right, y down, z away. The turn is that of Rx @ Ry @ Rz.

    Args:
        points: Landmarks of the mesh in pixels, (478, 2).
        camera: Camera matrix, (3, 3).
    """
    try:
        solved, turn, position = cv2.solvePnP(
            _MODEL_MM, points[_MESH_POINTS].astype(np.float64), camera, None, flags=cv2.SOLVEPNP_SQPNP
        )
    except cv2.error:
        # Raised for points that all but coincide.
        solved = False
    if not solved:
        return np.full(len(POSE_COLUMNS), np.nan)
    rotation = cv2.Rodrigues(turn)[0].astype(np.float64)
    return np.concatenate((position.ravel(), euler_angles(rotation)), dtype=np.float64)


def euler_angles(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the angles x, y, z in radians (3,) of a rotation Rx @ Ry @ Rz, (3, 3)."""
    (r11, r12, r13), (_, _, r23), (_, _, r33) = rotation.tolist()
    return np.array((atan2(-r23, r33), asin(min(1, max(-1, r13))), atan2(-r12, r11)))


def rotations(angles: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the matrices Rx @ Ry @ Rz, (F, 3, 3), of angles x, y, z in radians, (F, 3)."""
    (sx, sy, sz), (cx, cy, cz) = np.sin(angles.T), np.cos(angles.T)
    rows = (
        (cy * cz, -cy * sz, sy),
        (cx * sz + sx * sy * cz, cx * cz - sx * sy * sz, -sx * cy),
        (sx * sz - cx * sy * cz, sx * cz + cx * sy * sz, cx * cy),
    )
    matrices: NDArray[np.float64] = np.moveaxis(np.array(rows, dtype=np.float64), 2, 0)
    return matrices
