"""The blendshape model: how far each of 52 movements of the face goes, from its landmarks."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from worker.faces.landmarker.bundle import Network

_DATA: Final = json.loads(files(__package__).joinpath("blendshapes.json").read_text(encoding="utf-8"))
BLENDSHAPE_NAMES: Final = tuple[str, ...](_DATA["names"])
_POINTS: Final = np.array(_DATA["mesh_points"])


class BlendshapeModel:
    """Reads the movements of one face."""

    def __init__(self, model: bytes) -> None:
        """Load the model ``face_blendshapes.tflite``."""
        self._network = Network(model)

    def read(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scores of ``BLENDSHAPE_NAMES`` in [0, 1], (52,), for landmarks (478, 2) in pixels."""
        (scores,) = self._network.run(points[None, _POINTS]).values()
        return scores
