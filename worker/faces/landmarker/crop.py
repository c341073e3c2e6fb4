"""The aligned face of a frame, by the mesh."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from worker.faces.alignment import Framing, align_face

# Mesh points whose means are the eyes and the mouth: their corners, which a blink does not move.
_ANCHOR_POINTS: Final = np.array(((33, 133), (362, 263), (61, 291)))


def crop_face(frame: NDArray[np.uint8], points: NDArray[np.float32], framing: Framing) -> NDArray[np.uint8]:
    """Return the crop, as ``align_face`` does, of a face with landmarks ``points``, (478, 2) in pixels."""
    return align_face(frame, points[_ANCHOR_POINTS].mean(axis=1, dtype=np.float64), framing)
