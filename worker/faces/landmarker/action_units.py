"""Action unit intensities from blendshapes and from distances on the face, as ``action_units.json`` says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from worker.faces.landmarker.blendshapes import BLENDSHAPE_NAMES
from worker.faces.landmarker.mesh import Mesh

MAX_INTENSITY: Final = 5.0

_DATA: Final = json.loads(files(__package__).joinpath("action_units.json").read_text(encoding="utf-8"))
MAPPING_VERSION: Final[str] = _DATA["version"]
ACTION_UNITS: Final = tuple[str, ...](_DATA["weights"])
# Pearson's r against OpenFace 2.2 on one recorded clip, of those action units that move in it.
RELIABILITY: Final[Mapping[str, float]] = MappingProxyType(_DATA["reliability"])
# Movements of the face that are read from distances between its points.
MOVEMENTS: Final = tuple[str, ...](_DATA["movements"])

_DISTANCES: Final = tuple(_DATA["movements"].values())
# Pairs of points whose distance is read, (pairs, 2), and which mean each movement takes, (movements, pairs).
_PAIRS: Final = np.array([pair for entry in _DISTANCES for pair in entry["pairs"]])
_MEAN: Final = np.array(
    [
        [(entry is other) / len(entry["pairs"]) for other in _DISTANCES for _ in other["pairs"]]
        for entry in _DISTANCES
    ]
)
# Distances of a face at rest and in full movement, (movements,).
_REST, _FULL = np.array([(entry["rest"], entry["full"]) for entry in _DISTANCES]).T
# What distances are measured by: the outer corners of the eyes, which no muscle moves.
_UNIT: Final = np.array(_DATA["unit"])
# Shape (52 + movements, action units).
_WEIGHTS: Final = np.array(
    [
        [weights.get(name, 0.0) for weights in _DATA["weights"].values()]
        for name in (*BLENDSHAPE_NAMES, *MOVEMENTS)
    ],
    dtype=np.float32,
)

# What is shown by a face at rest, (action units,).
_AT_REST: Final = np.array([_DATA["at_rest"].get(name, 0.0) for name in ACTION_UNITS], dtype=np.float32)


def movements(mesh: Mesh) -> NDArray[np.float64]:
    """Return how far the face is in each of ``MOVEMENTS``, (movements,): 0 is at rest, 1 is full.

    Distances are taken in space, so that a turn of the head does not change them.
    """
    points = np.column_stack((mesh.points, mesh.depth))
    unit = np.linalg.norm(points[_UNIT[0]] - points[_UNIT[1]])
    lengths = np.linalg.norm(points[_PAIRS[:, 0]] - points[_PAIRS[:, 1]], axis=1) / unit
    moved: NDArray[np.float64] = np.clip((_MEAN @ lengths - _REST) / (_FULL - _REST), 0, 1)
    return moved


def action_units(
    blendshapes: NDArray[np.float32], moved: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    """Return the intensity in [0, 5] of each of ``ACTION_UNITS``, (F,).

    Args:
        blendshapes: Scores of the blendshape model, (F, 52).
        moved: What ``movements`` gave, (F, movements).
    """
    scores = np.concatenate((blendshapes, moved), axis=1) @ _WEIGHTS - _AT_REST
    intensities = np.clip(scores * _DATA["intensity_scale"], 0, MAX_INTENSITY)
    return dict(zip(ACTION_UNITS, intensities.T, strict=True))
