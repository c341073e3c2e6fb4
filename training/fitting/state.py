"""A training's state on disk: enough to go on after its process was killed, to the same weights."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from shared.errors import AvemotionError, ErrorCode
from shared.outputs import replacing
from worker.model.networks import Network

_FILE = "state.npz"
_PLACE = "place"


@dataclass(frozen=True)
class Place:
    """How far a training is.

    Attributes:
        phase: Number of the phase, from 0.
        epoch: How many of its epochs are done.
        fingerprint: Of recipe, data and fold: a state is of use to the same training only.
    """

    phase: int
    epoch: int
    fingerprint: str


def save_state(folder: Path, place: Place, network: Network, optimizer: keras.Optimizer | None) -> None:
    """Write weights, optimizer and place as one file, which appears whole or not at all.

    Args:
        folder: Of the training.
        place: How far it is.
        network: With all its variables, those of chance among them.
        optimizer: None between two phases.

    Raises:
        AvemotionError: ``TRAINING_FAILED``: it cannot be written, as on a full disk; the last state stays.
    """
    arrays = _arrays("network", network.variables)
    if optimizer is not None:
        arrays |= _arrays("optimizer", optimizer.variables)
    try:
        with replacing(folder / _FILE) as path, path.open("wb") as file:
            np.savez(file, allow_pickle=False, **{_PLACE: _encoded(place), **arrays})
    except AvemotionError as error:
        raise AvemotionError(
            ErrorCode.TRAINING_FAILED, f"The training's state could not be kept. {error.message}"
        ) from error


def _encoded(place: Place) -> Any:
    return np.frombuffer(json.dumps(asdict(place)).encode(), np.uint8)


def read_state(folder: Path) -> tuple[Place, Mapping[str, Any]] | None:
    """Return the last state, and its arrays by name; None where there is none.

    Raises:
        AvemotionError: ``TRAINING_FAILED``: the file is damaged.
    """
    path = folder / _FILE
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return Place(**json.loads(arrays.pop(_PLACE).tobytes())), arrays
    except (KeyError, OSError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise AvemotionError(
            ErrorCode.TRAINING_FAILED,
            f"{path} is damaged, and the training cannot go on from it; delete it to begin anew.",
        ) from error


def restore(arrays: Mapping[str, Any], network: Network, optimizer: keras.Optimizer | None) -> None:
    """Give network and optimizer the values of a state.

    Raises:
        AvemotionError: ``TRAINING_FAILED``: it is the state of another network.
    """
    _assign("network", arrays, network.variables)
    if optimizer is not None:
        _assign("optimizer", arrays, optimizer.variables)


def _arrays(kind: str, variables: list[keras.Variable]) -> dict[str, Any]:
    return {f"{kind}-{index}": variable.numpy() for index, variable in enumerate(variables)}


def _assign(kind: str, arrays: Mapping[str, Any], variables: list[keras.Variable]) -> None:
    count = sum(name.startswith(f"{kind}-") for name in arrays)
    fits = count == len(variables) and all(
        arrays[f"{kind}-{index}"].shape == tuple(variable.shape) for index, variable in enumerate(variables)
    )
    if not fits:
        raise AvemotionError(
            ErrorCode.TRAINING_FAILED, "The state in the run's folder is that of another network."
        )
    for index, variable in enumerate(variables):
        variable.assign(arrays[f"{kind}-{index}"])
