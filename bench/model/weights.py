"""Random weights and clips, the same for every contender."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.model.products import CHANNELS, MLP_RATIO, Clip
from shared.catalog.config import PATCH_SIDE_PX, TUBELET_FRAMES
from worker.model.presets import Preset

SEED = 3
LABELS = 400
# Spread of the values: about that of trained weights, so that every part of a network tells.
SCALE = 0.02

Array = NDArray[np.float32]


def clips(clip: Clip, batch: int) -> Array:
    """Return random clips, (batch, frames, height, width, 3), in the range of normalised pixels."""
    return np.random.default_rng(SEED).standard_normal((batch, *clip.shape), dtype=np.float32)


def random_weight(name: str, shape: tuple[int, ...]) -> Array:
    """Return the values of one of our weights: they depend on its path and shape only."""
    generator = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    values = SCALE * generator.standard_normal(shape, dtype=np.float32)
    if name.endswith("/gamma"):
        values += 1
    if name.endswith("/qkv/bias"):
        np.split(values, 3)[1][:] = 0  # No checkpoint has a key bias.
    return values


def fill(model: Any) -> None:
    """Give one of our models, built, its weights."""
    for weight in model.weights:
        # The first part is the name of the model, which Keras numbers.
        weight.assign(random_weight(weight.path.partition("/")[2], tuple(weight.shape)))


def for_transformers(preset: Preset) -> dict[str, Array]:
    """Return the same weights by the names and in the shapes of ``VideoMAEForVideoClassification``."""
    width, hidden = preset.width, MLP_RATIO * preset.width
    patch = (TUBELET_FRAMES, PATCH_SIDE_PX, PATCH_SIDE_PX, CHANNELS)
    kernel = random_weight("backbone/patch_embedding/projection/kernel", (int(np.prod(patch)), width))
    weights = {
        "videomae.embeddings.patch_embeddings.projection.weight": np.ascontiguousarray(
            kernel.reshape(*patch, width).transpose(4, 3, 0, 1, 2)
        ),
        "videomae.embeddings.patch_embeddings.projection.bias": random_weight(
            "backbone/patch_embedding/projection/bias", (width,)
        ),
        **_norm("fc_norm", "backbone/fc_norm", width),
        **_dense("classifier", "head", width, LABELS),
    }
    for index in range(preset.depth):
        theirs, ours = f"videomae.encoder.layer.{index}", f"backbone/block_{index}"
        weights |= _norm(f"{theirs}.layernorm_before", f"{ours}/norm1", width)
        weights |= _attention(f"{theirs}.attention.attention", f"{ours}/attention/qkv", width)
        weights |= _dense(f"{theirs}.attention.output.dense", f"{ours}/attention/projection", width, width)
        weights |= _norm(f"{theirs}.layernorm_after", f"{ours}/norm2", width)
        weights |= _dense(f"{theirs}.intermediate.dense", f"{ours}/fc1", width, hidden)
        weights |= _dense(f"{theirs}.output.dense", f"{ours}/fc2", hidden, width)
    return weights


def _norm(theirs: str, ours: str, width: int) -> dict[str, Array]:
    return {
        f"{theirs}.weight": random_weight(f"{ours}/gamma", (width,)),
        f"{theirs}.bias": random_weight(f"{ours}/beta", (width,)),
    }


def _dense(theirs: str, ours: str, rows: int, columns: int) -> dict[str, Array]:
    return {
        f"{theirs}.weight": np.ascontiguousarray(random_weight(f"{ours}/kernel", (rows, columns)).T),
        f"{theirs}.bias": random_weight(f"{ours}/bias", (columns,)),
    }


def _attention(theirs: str, ours: str, width: int) -> dict[str, Array]:
    kernels = np.split(random_weight(f"{ours}/kernel", (width, 3 * width)), 3, axis=1)
    query_bias, _, value_bias = np.split(random_weight(f"{ours}/bias", (3 * width,)), 3)
    names = ("query", "key", "value")
    return {
        **{
            f"{theirs}.{name}.weight": np.ascontiguousarray(kernel.T)
            for name, kernel in zip(names, kernels, strict=True)
        },
        f"{theirs}.query.bias": query_bias,
        f"{theirs}.value.bias": value_bias,
    }
