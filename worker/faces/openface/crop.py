"""The aligned face of a frame, by OpenFace's landmarks: framed as the built-in analyzer frames it."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.faces.landmarker.crop import similarity

# Of the 68 landmarks, the corners of the eyes and of the mouth: a blink does not move these.
_ANCHOR_POINTS: Final = np.array(((36, 39), (42, 45), (48, 54)))
# Where their means, the eyes and the mouth, lie in a crop of side 1; the models were trained with this.
_TEMPLATE: Final = np.array(((0.37, 0.42), (0.63, 0.42), (0.5, 0.71)))


def crop_face(frame: NDArray[np.uint8], points: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """Return the face upright, centred and at a fixed scale; black beyond the frame's border.

    Args:
        frame: RGB, (H, W, 3).
        points: The 68 landmarks in pixels, (68, 2).
        size: Side of the crop in pixels.

    Returns:
        RGB, uint8 (size, size, 3).
    """
    anchors = points[_ANCHOR_POINTS].mean(axis=1, dtype=np.float64)
    matrix = similarity(anchors, _TEMPLATE * size)
    return cv2.warpAffine(frame, matrix, (size, size), flags=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
