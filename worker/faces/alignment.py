"""How every analyzer frames a face for the model: upright, centred, at a fixed scale."""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

# Where the eyes (left in the picture first) and the mouth lie in a crop of side 1: the face fills it from
# forehead to chin, with some room. Models are trained with this.
_TEMPLATE: Final = np.array(((0.37, 0.42), (0.63, 0.42), (0.5, 0.71)))


class Framing(NamedTuple):
    """How a face is cut out.

    Attributes:
        size: Side of the crop in pixels.
        zoom: How much closer than usual; 1 shows the face with some room around it.
    """

    size: int
    zoom: float = 1.0


def align_face(frame: NDArray[np.uint8], anchors: NDArray[np.float64], framing: Framing) -> NDArray[np.uint8]:
    """Return the face upright, centred and at a fixed scale; black beyond the frame's border.

    Args:
        frame: RGB, (H, W, 3).
        anchors: Middle of both eyes, left in the picture first, and of the mouth, in pixels, (3, 2).
        framing: Size and zoom of the crop.

    Returns:
        RGB, uint8 (size, size, 3).
    """
    matrix = similarity(anchors, (0.5 + (_TEMPLATE - 0.5) * framing.zoom) * framing.size)
    size = (framing.size, framing.size)
    return cv2.warpAffine(frame, matrix, size, flags=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


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
