"""The 68 landmarks that OpenFace names (iBUG 300-W scheme), picked from the face mesh.

Source: the topology of MediaPipe's canonical face mesh, whose points have fixed meanings (33 is an
outer eye corner, 152 the chin, 0 the middle of the upper lip's edge). Where the mesh has several
points near an iBUG landmark, the one nearest to OpenFace 2.2's landmark on the same frames was taken,
each with its mirror image on the other side. Along the jaw, the mesh's outline is the nearest there is.
"""

from __future__ import annotations

from typing import Final

import numpy as np

_JAW: Final = (127, 234, 132, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 361, 454, 356)
_BROWS: Final = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_NOSE_BRIDGE: Final = (168, 197, 5, 4)
_NOSTRILS: Final = (240, 97, 2, 326, 460)
_EYES: Final = (33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380)
_OUTER_LIPS: Final = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181)
_INNER_LIPS: Final = (78, 82, 13, 312, 308, 317, 14, 87)

# Mesh points in iBUG order, (68,).
IBUG_POINTS: Final = np.array((*_JAW, *_BROWS, *_NOSE_BRIDGE, *_NOSTRILS, *_EYES, *_OUTER_LIPS, *_INNER_LIPS))
