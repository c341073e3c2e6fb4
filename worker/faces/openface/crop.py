"""The aligned face of a frame, by the 68 landmarks."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from worker.faces.alignment import Framing, align_face

# Landmarks whose means are the eyes and the mouth: their corners, which a blink does not move.
_ANCHOR_POINTS: Final = np.array(((36, 39), (42, 45), (48, 54)))


def crop_face(frame: NDArray[np.uint8], points: NDArray[np.float32], framing: Framing) -> NDArray[np.uint8]:
    """Return the crop, as ``align_face`` does, of a face with landmarks ``points``, (68, 2) in pixels."""
    return align_face(frame, points[_ANCHOR_POINTS].mean(axis=1, dtype=np.float64), framing)
