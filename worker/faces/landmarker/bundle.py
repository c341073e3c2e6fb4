"""The TFLite models of ``face_landmarker.task``, read in memory and checked first."""

from __future__ import annotations

import hashlib
import io
import zipfile
from importlib.resources import files
from typing import Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from shared.errors import AvemotionError, ErrorCode

BUNDLE_NAME: Final = "face_landmarker.task"


class Network:
    """One TFLite model on one thread; not to be shared between threads or carried over a fork."""

    def __init__(self, model: bytes) -> None:
        """Build the interpreter of a model with one input."""
        self._interpreter = Interpreter(model_content=model, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input: int = self._interpreter.get_input_details()[0]["index"]
        self._outputs: dict[str, int] = {
            details["name"]: details["index"] for details in self._interpreter.get_output_details()
        }

    def run(self, tensor: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Run the model on its one input and return its outputs by name."""
        self._interpreter.set_tensor(self._input, tensor)
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(index) for name, index in self._outputs.items()}


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return scores in [0, 1] for the raw outputs of a classifier."""
    scores: NDArray[np.float32] = np.reciprocal(1 + np.exp(-np.clip(logits, -50, 50)))
    return scores


def read_bundle() -> dict[str, bytes]:
    """Return the files of the bundle by name.

    Raises:
        AvemotionError: The bundle is missing or is not the one that was shipped.
    """
    folder = files("worker.faces.models")
    try:
        bundle = folder.joinpath(BUNDLE_NAME).read_bytes()
        checksum = folder.joinpath(f"{BUNDLE_NAME}.sha256").read_text(encoding="ascii").split()[0]
    except OSError as error:
        raise AvemotionError(
            ErrorCode.ANALYZER_UNAVAILABLE,
            f"The model file {BUNDLE_NAME} is missing; install avemotion again.",
        ) from error
    return unpack(bundle, checksum)


def unpack(bundle: bytes, checksum: str) -> dict[str, bytes]:
    """Return the files in a zip archive whose SHA-256 is ``checksum`` (hexadecimal).

    Raises:
        AvemotionError: The checksum is another.
    """
    if hashlib.sha256(bundle).hexdigest() != checksum:
        raise AvemotionError(
            ErrorCode.ANALYZER_UNAVAILABLE,
            f"The model file {BUNDLE_NAME} is damaged; install avemotion again.",
        )
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
