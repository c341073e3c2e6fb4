"""Arrays in storage, of which single rows can be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from shared.storage import Storage


@dataclass(frozen=True)
class StoredArray:
    """An ``.npy`` file in storage, described well enough to read a part of it.

    Attributes:
        key: Storage key.
        shape: Shape; rows lie along the first axis.
        dtype: numpy's name of the element type.
        offset_bytes: Length of the file's header.
    """

    key: str
    shape: tuple[int, ...]
    dtype: str
    offset_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return the description as it stands in a stage's output."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Return the description that ``to_json`` made."""
        return cls(**{**document, "shape": tuple(document["shape"])})


def write_array(storage: Storage, key: str, array: NDArray[Any]) -> StoredArray:
    """Store an array and return its description."""
    whole = np.ascontiguousarray(array)
    with storage.writer(key) as stream:
        header = np.lib.format.header_data_from_array_1_0(whole)
        np.lib.format.write_array_header_1_0(stream, header)
        offset_bytes = stream.tell()
        stream.write(whole.tobytes())
    return StoredArray(key, whole.shape, whole.dtype.name, offset_bytes)


def read_rows(storage: Storage, stored: StoredArray, rows: Sequence[int]) -> NDArray[Any]:
    """Return some rows of a stored array; rows that lie together are read together.

    Raises:
        FileNotFoundError: The file is gone.
    """
    dtype, row_shape = np.dtype(stored.dtype), stored.shape[1:]
    row_bytes = dtype.itemsize * int(np.prod(row_shape))
    result = np.empty((len(rows), *row_shape), dtype)
    at = 0
    while at < len(rows):
        until = at + 1
        while until < len(rows) and rows[until] == rows[until - 1] + 1:
            until += 1
        start = stored.offset_bytes + rows[at] * row_bytes
        data = storage.read(stored.key, start, start + (until - at) * row_bytes)
        result[at:until] = np.frombuffer(data, dtype).reshape(until - at, *row_shape)
        at = until
    return result


def read_array(storage: Storage, stored: StoredArray) -> NDArray[Any]:
    """Return a whole stored array."""
    return read_rows(storage, stored, range(stored.shape[0]))
