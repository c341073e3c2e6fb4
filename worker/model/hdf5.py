"""HDF5 files of unknown origin: nothing is followed out of the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]  # ships no types
import numpy as np
from numpy.typing import NDArray

from worker.model.weights_fault import invalid


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open a file for reading.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where it is cut off, damaged or no HDF5.
    """
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise invalid(path, f"it cannot be opened as HDF5, it is cut off or damaged ({error}).") from error
    with file:
        yield file


@contextmanager
def damage_in(path: Path) -> Iterator[None]:
    """Turn what HDF5 says of a damaged file into an error that names it.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS``, from what the library raises.
    """
    try:
        yield
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise invalid(path, f"it is damaged ({error}).") from error


def member(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset | None:
    """Return what stands under a name of one or more parts between slashes; None if nothing does.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where a link leads elsewhere.
    """
    here = group
    for part in name.split("/"):
        link = here.get(part, getlink=True) if isinstance(here, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise invalid(Path(group.file.filename), f"{name} is a link to elsewhere, which is not followed.")
        here = here[part]
    return here


def is_float(dataset: h5py.Dataset) -> bool:
    """Tell whether a tensor holds floating-point numbers that numpy knows."""
    return bool(np.issubdtype(dataset.dtype, np.floating))


def values(dataset: h5py.Dataset) -> NDArray[Any]:
    """Return a tensor, in the type that it is stored in. Look at its shape first: any may be declared.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where the numbers are damaged, or lie in other files.
    """
    path, name = Path(dataset.file.filename), dataset.name.lstrip("/")
    try:
        if dataset.external or dataset.is_virtual:
            raise invalid(path, f"the numbers of {name} lie in another file, which is not read.")
        array: NDArray[Any] = np.asarray(dataset[()])
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise invalid(path, f"{name} is cut off or damaged ({error}).") from error
    return array
