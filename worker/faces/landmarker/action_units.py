"""Action unit intensities from blendshapes, by the weights in ``action_units.json``."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from worker.faces.landmarker.blendshapes import BLENDSHAPE_NAMES

MAX_INTENSITY: Final = 5.0

_DATA: Final = json.loads(files(__package__).joinpath("action_units.json").read_text(encoding="utf-8"))
MAPPING_VERSION: Final[str] = _DATA["version"]
ACTION_UNITS: Final = tuple[str, ...](_DATA["weights"])
# Shape (52, action units).
_WEIGHTS: Final = np.array(
    [[weights.get(name, 0.0) for weights in _DATA["weights"].values()] for name in BLENDSHAPE_NAMES],
    dtype=np.float32,
)


def action_units(blendshapes: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Return the intensity in [0, 5] of each of ``ACTION_UNITS``, (F,), for blendshapes (F, 52)."""
    intensities = np.clip(blendshapes @ _WEIGHTS * _DATA["intensity_scale"], 0, MAX_INTENSITY)
    return dict(zip(ACTION_UNITS, intensities.T, strict=True))
