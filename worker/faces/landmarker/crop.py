"""The aligned face that the emotion model sees."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

# Mesh points whose means are the eyes (by their corners, which a blink does not move) and the mouth.
_ANCHOR_POINTS: Final = np.array(((33, 133), (362, 263), (61, 291)))
# Where these three lie in a crop of side 1: the face fills it from forehead to chin, with some room.
_TEMPLATE: Final = np.array(((0.37, 0.42), (0.63, 0.42), (0.5, 0.71)))


def crop_face(frame: NDArray[np.uint8], points: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """Return the face upright, centred and at a fixed scale; black beyond the frame's border.

    Args:
        frame: RGB, (H, W, 3).
        points: Landmarks of the mesh in pixels, (478, 2).
        size: Side of the crop in pixels.

    Returns:
        RGB, uint8 (size, size, 3).
    """
    anchors = points[_ANCHOR_POINTS].mean(axis=1, dtype=np.float64)
    matrix = similarity(anchors, _TEMPLATE * size)
    return cv2.warpAffine(frame, matrix, (size, size), flags=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (2, 3) matrix of the turn, scale and shift that take ``source`` nearest to ``target``.

    Least squares over points (N, 2), in closed form: a turn with a scale is one complex factor.
    """
    middle, goal = source.mean(axis=0), target.mean(axis=0)
    start = (source - middle) @ (1, 1j)
    end = (target - goal) @ (1, 1j)
    factor = np.vdot(start, end) / max(np.vdot(start, start).real, np.finfo(np.float64).tiny)
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack((turn, goal - turn @ middle))
