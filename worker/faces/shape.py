"""How the 68 landmarks differ from a mean face, without place, size and turn in the picture."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Corners of the eyes, left in the picture first, and of the mouth: pairs, of which the middle is taken.
_ANCHORS: Final = np.array(((36, 39), (42, 45), (48, 54)))
# Where they lie in the frame, in distances between the eyes. The frame's origin is their mean.
_TEMPLATE: Final = np.array((-0.5 - 0.37j, 0.5 - 0.37j, 0.74j))
# The mean face, all x and then all y, (136,).
_MEAN: Final = np.array(
    json.loads(files(__package__).joinpath("mean_shape.json").read_text(encoding="utf-8"))["points"]
).T.ravel()


def face_shape(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how landmarks differ from the mean face's.

    They are turned, scaled and shifted first, so that eyes and mouth lie as near to its own as can be.

    Args:
        landmarks: All x, then all y of each frame, in pixels, (F, 136); NaN where there is no face.

    Returns:
        The same in distances between the eyes, x right and y down, (F, 136).
    """
    points = landmarks[:, :68] + 1j * landmarks[:, 68:].astype(np.float64)
    anchors = points[:, _ANCHORS].mean(axis=2)
    middle = anchors.mean(axis=1, keepdims=True)
    centred = anchors - middle
    goal = _TEMPLATE - _TEMPLATE.mean()
    size = np.maximum((np.abs(centred) ** 2).sum(axis=1), np.finfo(np.float32).tiny)
    with np.errstate(invalid="ignore"):
        shape = (points - middle) * ((centred.conj() @ goal) / size)[:, None]
    differences: NDArray[np.float32] = np.concatenate((shape.real, shape.imag), axis=1) - _MEAN
    return differences.astype(np.float32)
