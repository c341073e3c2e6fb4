"""PyTorch's files of weights: a zip with a pickle inside, or a bare pickle of older versions."""

from __future__ import annotations

import argparse
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from shared.errors import AvemotionError, ErrorCode
from worker.model.sources.source import Source, Stored
from worker.model.weights_fault import invalid

# Where training scripts keep the weights, in the order of the official one; else they lie bare.
WRAPPERS = ("model", "module", "state_dict")
REFUSED = re.compile(r"GLOBAL ([\w.]+)")


def open_torch(path: Path) -> Source:
    """Return what a PyTorch file holds. Its pickle may name tensors and plain values, nothing else.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where it is damaged or asks for more than tensors;
            ``INVALID_REQUEST`` where torch is not installed.
    """
    try:
        import torch  # noqa: PLC0415 - large, and only these files need it
    except ImportError as error:
        raise AvemotionError(
            ErrorCode.INVALID_REQUEST,
            f"{path.name} is a PyTorch file, and torch, which reads it, is not installed: pip install torch.",
        ) from error
    try:
        # The official script keeps its own arguments beside the weights: a record of plain values.
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings(action="ignore"):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:  # a damaged pickle may end in any of them
        refused = REFUSED.search(str(error))
        if refused:
            what = (
                f"its pickle names {refused[1]}, which no weights need; nothing of it was run. If you trust"
                " the file, save the state_dict in it by itself."
            )
        else:
            what = "it is cut off, damaged or no PyTorch file of weights."
        raise invalid(path, what) from error
    tensors = {
        str(name): value.detach()
        for name, value in _weights(content).items()
        if isinstance(value, torch.Tensor)
    }
    if not tensors:
        raise invalid(path, "it holds no tensors.")

    def read(name: str) -> NDArray[Any]:
        tensor = tensors[name]
        # numpy has no bfloat16; float32 holds each of its numbers.
        array: NDArray[Any] = (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).numpy()
        return array

    stored = {name: Stored(tuple(tensor.shape), _dtype(tensor)) for name, tensor in tensors.items()}
    return Source(path, "pytorch", (path,), stored, read)


def _weights(content: object) -> Mapping[object, object]:
    if not isinstance(content, Mapping):
        return {}
    inner = (content.get(wrapper) for wrapper in WRAPPERS)
    return next((weights for weights in inner if isinstance(weights, Mapping)), content)


def _dtype(tensor: Any) -> str:
    """Return numpy's name of a tensor's type; another word where it is no plain array of numbers."""
    if str(tensor.layout) != "torch.strided" or tensor.device.type != "cpu" or tensor.is_quantized:
        return f"{tensor.layout} on {tensor.device.type}".removeprefix("torch.")
    return str(tensor.dtype).removeprefix("torch.")
