"""``.weights.h5``: Keras's files of weights, tensor by tensor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import h5py  # type: ignore[import-untyped]  # ships no types

from worker.model.hdf5 import damage_in, member, open_hdf5
from worker.model.weights_fault import invalid

# Keras writes each layer as a group that holds its tensors, numbered, in a group of this name, and
# the layer's name in that group's attributes. The outer groups are attributes of Python objects.
TENSORS = "vars"
# What a compiled model has beside its weights.
OPTIMIZER = "optimizer"


class Place(NamedTuple):
    """Where a tensor belongs.

    Attributes:
        layer: Names of the layers around it, like ``backbone/block_0/fc1``; the model's own is left out.
        number: Which one of that layer's weights it is, in their order.
    """

    layer: str
    number: int


@contextmanager
def open_weights(path: Path) -> Iterator[dict[Place, h5py.Dataset]]:
    """Yield the tensors of a weights file, none of which has been read.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where the file is damaged or was not written by Keras 3.
    """
    with open_hdf5(path) as file:
        found: dict[Place, h5py.Dataset] = {}
        with damage_in(path):
            for place, dataset in _walk(path, file, (), set()):
                if place in found:
                    raise invalid(path, f"{place.layer} stands in it twice.")
                found[place] = dataset
        if not found:
            raise invalid(path, "it holds no weights of a Keras 3 model.")
        yield found


def _walk(
    path: Path, group: h5py.Group, layers: tuple[str, ...], seen: set[int]
) -> Iterator[tuple[Place, h5py.Dataset]]:
    """Yield the tensors below a group, which stands in the named layers."""
    # A group may hold itself.
    address = h5py.h5o.get_info(group.id).addr
    if address in seen:
        return
    seen.add(address)
    tensors = member(group, TENSORS)
    if isinstance(tensors, h5py.Group):
        if group.name != "/":
            name = str(tensors.attrs.get("name", group.name.rpartition("/")[2]))
            layers = (*layers, name)
        for key in tensors:
            yield Place("/".join(layers), _number(path, tensors, key)), _dataset(path, tensors, key)
    for key in group:
        if key == TENSORS or (key == OPTIMIZER and group.name == "/"):
            continue
        child = member(group, key)
        if not isinstance(child, h5py.Group):
            raise invalid(path, f"{_name(group, key)} is no tensor of a layer.")
        yield from _walk(path, child, layers, seen)


def _number(path: Path, tensors: h5py.Group, key: str) -> int:
    if not (key.isascii() and key.isdigit()):
        raise invalid(path, f"{_name(tensors, key)} is no tensor of a layer.")
    return int(key)


def _dataset(path: Path, tensors: h5py.Group, key: str) -> h5py.Dataset:
    child = member(tensors, key)
    if not isinstance(child, h5py.Dataset):
        raise invalid(path, f"{_name(tensors, key)} is no tensor.")
    return child


def _name(group: h5py.Group, key: str) -> str:
    return f"{group.name}/{key}".lstrip("/")
