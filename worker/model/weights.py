"""Weights by name: their hash, their file, and the fixed random ones of an untrained model."""

from __future__ import annotations

import hashlib
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py  # type: ignore[import-untyped]  # ships no types
import keras
import numpy as np
from numpy.typing import NDArray

from shared.catalog.config import PATCH_SIDE_PX, TUBELET_FRAMES
from worker.model.backbone import Backbone
from worker.model.classifier import VideoMAE
from worker.model.hdf5 import damage_in, is_float, values
from worker.model.patches import CHANNELS
from worker.model.presets import PRESETS, Preset
from worker.model.weights_fault import invalid
from worker.model.weights_file import Place, open_weights

UNTRAINED_SEED = 20220323  # The day VideoMAE appeared.

# Where an imported VideoMAE has its parts.
ENCODER, HEAD = "backbone", "head"
PATCHES = "patch_embedding/projection"
# Whatever a file says; the head is made before it is filled.
MOST_LABELS = 100_000


def weights_by_name(network: keras.Model) -> dict[str, keras.Variable]:
    """Return the weights by names like ``backbone/block_0/fc1/kernel``, in the network's order.

    The network's own name is no part of them: Keras may number it.
    """
    return {weight.path.removeprefix(f"{network.name}/"): weight for weight in network.weights}


def named_weights(network: keras.Model) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield each weight with its name, in the network's order; see ``weights_by_name``."""
    for name, weight in weights_by_name(network).items():
        yield name, weight.numpy().astype(np.float32, copy=False)


def weights_sha256(network: keras.Model) -> str:
    """Return one hash over names, shapes and values of all weights, in order.

    It does not depend on the file they came from, on the precision they are used in, or on the machine.
    """
    digest = hashlib.sha256()
    for name, array in named_weights(network):
        digest.update(f"{name}{array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array, dtype="<f4").data)
    return digest.hexdigest()


def initialise(network: keras.Model, seed: int = UNTRAINED_SEED) -> None:
    """Give a fresh network the weights that a seed stands for: the same on every machine.

    Kernels are Xavier-uniform (Glorot and Bengio 2010), as VideoMAE starts them; biases and norms keep
    Keras's zeros and ones.
    """
    for name, weight in weights_by_name(network).items():
        if weight.name == "kernel":
            weight.assign(_xavier_uniform(name, tuple(weight.shape), seed))


def load_weights(network: keras.Model, path: Path) -> None:
    """Fill the network from a ``.weights.h5`` file: each tensor has its weight, each weight its tensor.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where the file is damaged or belongs to another network; the
            message names the tensor. The network may then be filled in part.
    """
    with open_weights(path) as stored:
        _fill(path, stored, weights_by_name(network))


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Give a network the weights of another of the same form, rounded to what it keeps them in."""
    for given, taken in zip(source.weights, target.weights, strict=True):
        taken.assign(given.value)


def load_backbone(backbone: Backbone, path: Path) -> None:
    """Fill an encoder from the file of an imported ``VideoMAE``, whose head is passed over.

    Raises:
        AvemotionError: See ``load_weights``.
    """
    # The encoder may have another name, and stand in another model.
    weights = {
        f"{ENCODER}/{weight.path.partition(f'{backbone.name}/')[2]}": weight for weight in backbone.weights
    }
    with open_weights(path) as stored:
        _fill(path, {place: tensor for place, tensor in stored.items() if place.layer != HEAD}, weights)


def load_videomae(path: Path) -> VideoMAE:
    """Return the model of an imported file, in float32; its size and labels are told from its shapes.

    Raises:
        AvemotionError: See ``load_weights``; also where the size of the encoder is not known here.
    """
    with open_weights(path) as stored:
        preset = _preset(path, stored)
        model = new_videomae(preset, labels=_labels(path, stored))
        _fill(path, stored, weights_by_name(model))
    return model


def new_videomae(preset: Preset, *, labels: int | None, dtype: str = "float32") -> VideoMAE:
    """Return a model with weights that are still to be filled."""
    model = VideoMAE(preset, labels=labels, name="videomae", dtype=dtype)
    model.build((None, TUBELET_FRAMES, PATCH_SIDE_PX, PATCH_SIDE_PX, CHANNELS))
    return model


def _preset(path: Path, stored: Mapping[Place, h5py.Dataset]) -> Preset:
    layers = sorted({place.layer for place in stored if place.layer.endswith(PATCHES)})
    if not layers:
        raise invalid(path, "it holds no VideoMAE encoder.")
    block = re.compile(re.escape(layers[0].removesuffix(PATCHES)) + r"block_(\d+)/")
    depth = len({match[1] for place in stored if (match := block.match(place.layer))})
    bias = stored.get(Place(layers[0], 1))
    width = 0 if bias is None else math.prod(bias.shape)
    for preset in PRESETS.values():
        if (preset.width, preset.depth) == (width, depth):
            return preset
    raise invalid(path, f"its encoder, {depth} blocks of width {width}, has the size of no preset.")


def _labels(path: Path, stored: Mapping[Place, h5py.Dataset]) -> int | None:
    """Return how many outputs the head has; None where there is none."""
    bias = stored.get(Place(HEAD, 1))
    if bias is None:
        return None
    labels: int = math.prod(bias.shape)
    if not 0 < labels <= MOST_LABELS:
        raise invalid(path, f"{HEAD}/bias has the shape {bias.shape}, which is not that of labels.")
    return labels


def _fill(path: Path, stored: Mapping[Place, h5py.Dataset], weights: Mapping[str, keras.Variable]) -> None:
    """Assign each tensor to the weight at its place."""
    wanted: dict[Place, str] = {}
    counts: dict[str, int] = {}
    for name in weights:
        layer = name.rpartition("/")[0]
        wanted[Place(layer, counts.get(layer, 0))] = name
        counts[layer] = counts.get(layer, 0) + 1
    missing = [name for place, name in wanted.items() if place not in stored]
    if missing:
        raise invalid(path, f"{missing[0]} is missing{_more(missing)}.")
    extra = [tensor.name.lstrip("/") for place, tensor in stored.items() if place not in wanted]
    if extra:
        raise invalid(path, f"{extra[0]} has no place in the model{_more(extra)}.")
    with damage_in(path):
        for place, name in wanted.items():
            tensor, shape = stored[place], tuple(weights[name].shape)
            if tensor.shape != shape:
                raise invalid(path, f"{name} has the shape {tensor.shape}, not {shape}.")
            if not is_float(tensor):
                raise invalid(path, f"{name} holds {tensor.dtype}, no floating-point numbers.")
    for place, name in wanted.items():
        array = values(stored[place])
        if not np.isfinite(array).all():
            raise invalid(path, f"{name} holds numbers that are not finite.")
        weights[name].assign(array)


def _more(names: list[str]) -> str:
    return f", and {len(names) - 1} more" if len(names) > 1 else ""


def _xavier_uniform(name: str, shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    """Return a kernel that depends on its name, its shape and the seed only.

    Made from a bit generator's raw integers by exact arithmetic: the samplers of numpy and of Keras may
    differ in the last bit from one version or processor to another, and then no two hashes would agree.
    """
    # Of a convolution, each place of the kernel has inputs and outputs of its own.
    limit = np.float32(math.sqrt(6 / (math.prod(shape[:-2]) * sum(shape[-2:]))))
    raw = np.random.PCG64([seed, zlib.crc32(name.encode())]).random_raw(math.prod(shape))
    # The upper 24 bits, the precision of float32: uniform in [-1, 1).
    unit = (raw >> np.uint64(40)).astype(np.float32) * np.float32(2**-23) - np.float32(1)
    return (unit * limit).reshape(shape)
