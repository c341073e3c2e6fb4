"""A model small enough for unit tests, and the same arithmetic once more in plain numpy."""

from __future__ import annotations

import math
from dataclasses import replace

import keras
import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelCard, load_catalog
from worker.model.presets import Preset

MINI = Preset("mini", width=24, depth=2, heads=2)
# As nano is to the other sizes.
MINI_CONVOLUTIONAL = replace(MINI, stem="convolutional")
FRAMES, SIDE_PX = 4, 32
EPSILON = 1e-6

Weights = dict[str, NDArray[np.float32]]
Floats = NDArray[np.floating]


def mini_card(**changes: object) -> ModelCard:
    builtin = load_catalog(None)["videomae-tiny-untrained"]
    small = {"frames": FRAMES, "input_size": SIDE_PX, "num_frame": FRAMES // 2, "weights_sha256": None}
    return builtin.model_copy(update={**small, **changes})


def clips(count: int, seed: int = 0) -> NDArray[np.uint8]:
    shape = (count, FRAMES, SIDE_PX, SIDE_PX, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def randomise(network: keras.Model | keras.layers.Layer, seed: int = 0, scale: float = 0.3) -> Weights:
    """Give every weight, biases and norms too, random values; return them by name."""
    generator = np.random.default_rng(seed)
    for weight in network.weights:
        weight.assign(generator.normal(0, scale, tuple(weight.shape)))
    return {weight.path: weight.numpy() for weight in network.weights}


def reference_backbone(frames: Floats, weights: Weights, preset: Preset) -> tuple[Floats, Floats]:
    """Return tokens and pooled features of one clip (frames, height, width, 3), in float64."""
    tubelets = [
        frames[t : t + 2, y : y + 16, x : x + 16].ravel()
        for t in range(0, frames.shape[0], 2)
        for y in range(0, frames.shape[1], 16)
        for x in range(0, frames.shape[2], 16)
    ]
    tokens = _dense(np.array(tubelets, np.float64), weights, "backbone/patch_embedding/projection")
    tokens = tokens + reference_positions(*tokens.shape)
    for index in range(preset.depth):
        name = f"backbone/block_{index}"
        qkv = _dense(_norm(tokens, weights, f"{name}/norm1"), weights, f"{name}/attention/qkv")
        query, key, value = np.split(qkv, 3, axis=1)
        heads = [
            _attend(query[:, part], key[:, part], value[:, part])
            for part in _parts(preset.width, preset.heads)
        ]
        tokens = tokens + _dense(np.hstack(heads), weights, f"{name}/attention/projection")
        hidden = _dense(_norm(tokens, weights, f"{name}/norm2"), weights, f"{name}/fc1")
        tokens = tokens + _dense(reference_gelu(hidden), weights, f"{name}/fc2")
    return tokens, _norm(tokens.mean(axis=0), weights, "backbone/fc_norm")


def reference_positions(tokens: int, width: int) -> Floats:
    return np.array(
        [
            [
                (math.cos if column % 2 else math.sin)(token / 10_000 ** (2 * (column // 2) / width))
                for column in range(width)
            ]
            for token in range(tokens)
        ]
    )


def reference_gelu(values: Floats) -> Floats:
    erf = np.vectorize(math.erf)
    result: Floats = values * (1 + erf(values / math.sqrt(2))) / 2
    return result


def _parts(width: int, heads: int) -> list[slice]:
    size = width // heads
    return [slice(head * size, (head + 1) * size) for head in range(heads)]


def _attend(query: Floats, key: Floats, value: Floats) -> Floats:
    scores = np.exp(query @ key.T / math.sqrt(query.shape[1]))
    result: Floats = scores / scores.sum(axis=1, keepdims=True) @ value
    return result


def _dense(values: Floats, weights: Weights, name: str) -> Floats:
    result: Floats = values @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]
    return result


def _norm(values: Floats, weights: Weights, name: str) -> Floats:
    centred = values - values.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
    result: Floats = scaled * weights[f"{name}/gamma"] + weights[f"{name}/beta"]
    return result
