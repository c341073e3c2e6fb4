"""From a source's tensors to our weights: what is made of which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.catalog.config import PATCH_SIDE_PX, TUBELET_FRAMES
from worker.model.block import MLP_RATIO
from worker.model.patches import CHANNELS, PATCH_VALUES
from worker.model.presets import Preset
from worker.model.sources.names import PATCH_KERNEL, QKV_BIAS, Layout
from worker.model.sources.source import Shape

TUBELET = (TUBELET_FRAMES, PATCH_SIDE_PX, PATCH_SIDE_PX)


@dataclass(frozen=True)
class Recipe:
    """How one of our weights is made.

    Attributes:
        weight: Its name, like ``backbone/block_0/fc1/kernel``.
        parts: The source's names of the tensors that make it, in order.
        shape: Of each part.
        layout: Of kernels.
    """

    weight: str
    parts: tuple[str, ...]
    shape: Shape
    layout: Layout

    def make(self, parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Return the weight."""
        if self.weight == PATCH_KERNEL:
            (kernel,) = parts
            rows = kernel.transpose(2, 3, 4, 1, 0) if self.layout == "torch" else kernel
            return rows.reshape(PATCH_VALUES, -1)
        if self.weight.endswith(QKV_BIAS):
            queries, values = parts
            return np.concatenate([queries, np.zeros_like(queries), values])
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return whole.T if self.layout == "torch" else whole


def recipe(weight: str, parts: tuple[str, ...], preset: Preset, labels: int | None, layout: Layout) -> Recipe:
    """Return how a weight is made.

    Args:
        weight: Our name.
        parts: The source's names of what makes it.
        preset: Size of the encoder.
        labels: Outputs of the head; None without one.
        layout: Of the source's kernels.
    """
    rows, columns = _sizes(weight.rpartition("/")[0], preset.width, labels or 0)
    if weight == PATCH_KERNEL:
        shape: Shape = (columns, CHANNELS, *TUBELET) if layout == "torch" else (*TUBELET, CHANNELS, columns)
    elif weight.endswith(QKV_BIAS):
        shape = (preset.width,)
    elif not weight.endswith("/kernel"):
        shape = (columns,)
    elif layout == "torch":
        shape = (columns // len(parts), rows)
    else:
        shape = (rows, columns)
    return Recipe(weight, parts, shape, layout)


def _sizes(layer: str, width: int, labels: int) -> tuple[int, int]:
    """Return how many values go into a layer and come out of it."""
    sizes = {
        "patch_embedding/projection": (PATCH_VALUES, width),
        "attention/qkv": (width, 3 * width),
        "fc1": (width, MLP_RATIO * width),
        "fc2": (MLP_RATIO * width, width),
        "head": (width, labels),
    }
    return next((size for name, size in sizes.items() if layer.endswith(name)), (width, width))
