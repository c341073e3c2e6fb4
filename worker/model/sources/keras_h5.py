"""``.h5`` of Keras 2, as innat publishes VideoMAE: groups of layers, in the order of the model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]  # ships no types
import numpy as np
from numpy.typing import NDArray

from worker.model.hdf5 import damage_in, member, open_hdf5, values
from worker.model.sources.source import Source, Stored
from worker.model.weights_fault import invalid

LAYERS, TENSORS = "layer_names", "weight_names"
# Where a whole model, not only its weights, was saved.
MODEL = "model_weights"
# What belongs to the model and to none of its layers; older versions have no such group.
OWN = "top_level_model_weights"


@contextmanager
def open_keras_h5(path: Path) -> Iterator[Source]:
    """Yield what a weights file of Keras 2 holds, in the order that its attributes state.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where it is damaged, or lacks what its attributes name.
    """
    with open_hdf5(path) as file:
        with damage_in(path):
            datasets = dict(_datasets(path, file))
            tensors = {name: Stored(held.shape or (), held.dtype.name) for name, held in datasets.items()}

        def read(name: str) -> NDArray[Any]:
            return values(datasets[name])

        yield Source(path, "keras-h5", (path,), tensors, read)


def _datasets(path: Path, file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield the tensors in order, each with its path in the file."""
    root = weights_root(file)
    if root is None:
        raise invalid(path, "it has no layer_names, so it is no weights file of Keras 2.")
    for layer in [*_names(root, LAYERS), OWN]:
        group = member(root, layer)
        if group is None and layer == OWN:
            continue
        if not isinstance(group, h5py.Group):
            raise invalid(path, f"the layer {layer} is missing.")
        for name in _names(group, TENSORS):
            tensor = member(group, name)
            if not isinstance(tensor, h5py.Dataset):
                raise invalid(path, f"{layer}/{name} is missing.")
            yield f"{layer}/{name}", tensor


def weights_root(file: h5py.File) -> h5py.Group | None:
    """Return the group whose attributes name the layers; None where the file is not of Keras 2."""
    if _has(file, LAYERS):
        return file
    inner = member(file, MODEL)
    return inner if isinstance(inner, h5py.Group) and _has(inner, LAYERS) else None


def _has(group: h5py.Group, attribute: str) -> bool:
    return attribute in group.attrs or f"{attribute}0" in group.attrs


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """Return the names in an attribute; long lists are in several, numbered from 0."""
    found = [group.attrs[attribute]] if attribute in group.attrs else []
    while f"{attribute}{len(found)}" in group.attrs:
        found.append(group.attrs[f"{attribute}{len(found)}"])
    names = [name for part in found for name in np.atleast_1d(part)]
    return [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names]
