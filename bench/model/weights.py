"""The same random weights for every contender."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.model.products import Clip

SEED = 3
LABELS = 400
# Large enough that each part of the network moves the result, small enough for bfloat16.
SCALE = 0.02

Array = NDArray[np.float32]


def random_weight(name: str, shape: tuple[int, ...]) -> Array:
    """Return the values of one of our weights, by its path: the same in every process."""
    generator = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    values = SCALE * generator.standard_normal(shape, dtype=np.float32)
    if name.endswith("gamma"):
        values += 1
    if name.endswith("qkv/bias"):
        np.split(values, 3)[1][:] = 0  # Checkpoints have no key bias.
    return values


def clips(clip: Clip, batch: int) -> Array:
    """Return as many random clips, (batch, frames, height, width, 3), about as normalised pixels are."""
    return np.random.default_rng(SEED).standard_normal((batch, *clip.shape), dtype=np.float32)


def as_transformers(width: int, depth: int) -> dict[str, Array]:
    """Return the weights under the names and in the shapes of ``VideoMAEForVideoClassification``."""
    state = {}

    def dense(theirs: str, ours: str, shape: tuple[int, int]) -> None:
        state[f"{theirs}.weight"] = np.ascontiguousarray(random_weight(f"{ours}/kernel", shape).T)
        state[f"{theirs}.bias"] = random_weight(f"{ours}/bias", shape[1:])

    def norm(theirs: str, ours: str) -> None:
        state[f"{theirs}.weight"] = random_weight(f"{ours}/gamma", (width,))
        state[f"{theirs}.bias"] = random_weight(f"{ours}/beta", (width,))

    patches = "videomae.embeddings.patch_embeddings.projection"
    dense(patches, "backbone/patch_embedding/projection", (2 * 16 * 16 * 3, width))
    kernel = state[f"{patches}.weight"].reshape(width, 2, 16, 16, 3)
    state[f"{patches}.weight"] = np.ascontiguousarray(kernel.transpose(0, 4, 1, 2, 3))
    for index in range(depth):
        ours, theirs = f"backbone/block_{index}", f"videomae.encoder.layer.{index}"
        norm(f"{theirs}.layernorm_before", f"{ours}/norm1")
        norm(f"{theirs}.layernorm_after", f"{ours}/norm2")
        dense(f"{theirs}.attention.output.dense", f"{ours}/attention/projection", (width, width))
        dense(f"{theirs}.intermediate.dense", f"{ours}/fc1", (width, 4 * width))
        dense(f"{theirs}.output.dense", f"{ours}/fc2", (4 * width, width))
        kernels = np.split(random_weight(f"{ours}/attention/qkv/kernel", (width, 3 * width)), 3, axis=1)
        biases = np.split(random_weight(f"{ours}/attention/qkv/bias", (3 * width,)), 3)
        for name, kernel, bias in zip(("query", "key", "value"), kernels, biases, strict=True):
            state[f"{theirs}.attention.attention.{name}.weight"] = np.ascontiguousarray(kernel.T)
            if name != "key":
                state[f"{theirs}.attention.attention.{name}.bias"] = bias
    norm("fc_norm", "backbone/fc_norm")
    dense("classifier", "head", (width, LABELS))
    return state


def fill(model: Any) -> None:
    """Give our model the weights; it must be built."""
    for weight in model.weights:
        weight.assign(random_weight(weight.path.partition("/")[2], tuple(weight.shape)))
