"""Weights by name: their hash, their file, and the fixed random ones of an untrained model."""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from shared.errors import AvemotionError, ErrorCode

UNTRAINED_SEED = 20220323  # The day VideoMAE appeared.


def named_weights(network: keras.Model) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield each weight with its name, like ``backbone/block_0/fc1/kernel``, in the network's order."""
    for weight in network.weights:
        yield weight.path, weight.numpy().astype(np.float32, copy=False)


def weights_sha256(network: keras.Model) -> str:
    """Return one hash over names, shapes and values of all weights, in order.

    It does not depend on the file they came from, on the precision they are used in, or on the machine.
    """
    digest = hashlib.sha256()
    for name, values in named_weights(network):
        digest.update(f"{name}{values.shape}\n".encode())
        digest.update(np.ascontiguousarray(values, dtype="<f4").data)
    return digest.hexdigest()


def initialise(network: keras.Model, seed: int = UNTRAINED_SEED) -> None:
    """Give a fresh network the weights that a seed stands for: the same on every machine.

    Kernels are Xavier-uniform (Glorot and Bengio 2010), as VideoMAE starts them; biases and norms keep
    Keras's zeros and ones.
    """
    for weight in network.weights:
        if weight.name == "kernel":
            weight.assign(_xavier_uniform(weight.path, tuple(weight.shape), seed))


def load_weights(network: keras.Model, path: Path) -> None:
    """Fill the network from a ``.weights.h5`` file.

    Tensors that the network has no place for are passed over, as Keras does: only the hash of what was
    loaded tells whether the file is the right one.

    Raises:
        AvemotionError: ``MODEL_UNAVAILABLE`` where the file is damaged or belongs to another network.
    """
    try:
        network.load_weights(path)
    except (OSError, KeyError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise AvemotionError(
            ErrorCode.MODEL_UNAVAILABLE, f"The weights file {path.name} does not fit the model: {reason}"
        ) from error


def _xavier_uniform(name: str, shape: tuple[int, int], seed: int) -> NDArray[np.float32]:
    """Return a kernel that depends on its name, its shape and the seed only.

    Made from a bit generator's raw integers by exact arithmetic: the samplers of numpy and of Keras may
    differ in the last bit from one version or processor to another, and then no two hashes would agree.
    """
    limit = np.float32(math.sqrt(6 / sum(shape)))
    raw = np.random.PCG64([seed, zlib.crc32(name.encode())]).random_raw(math.prod(shape))
    # The upper 24 bits, the precision of float32: uniform in [-1, 1).
    unit = (raw >> np.uint64(40)).astype(np.float32) * np.float32(2**-23) - np.float32(1)
    return (unit * limit).reshape(shape)
