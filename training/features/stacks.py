"""Many pictures in one file: FER2013's ``.npz`` and ``.csv``."""

from __future__ import annotations

import csv
import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.errors import AvemotionError, ErrorCode

Picture = NDArray[np.uint8]

# Stacks are read whole, once a process. FER2013 as CSV has 0.3 GB, which is 0.08 GB of pixels.
MOST_BYTES = 4 * 1024**3
_ARRAY = "image"
_COLUMN = "pixels"
_AXES_GREY, _AXES_COLOUR, _RGB = 3, 4, 3
_FAULTS = (EOFError, KeyError, OSError, RuntimeError, ValueError, csv.Error, zipfile.BadZipFile, zlib.error)


def read_stack(path: Path) -> Sequence[Picture | None]:
    """Return all pictures of a file, uint8 (H, W) or (H, W, 3); None in the place of a row that is none.

    Args:
        path: An ``.npz`` with ``image``, uint8 (N, H, W) or (N, H, W, 3), or a ``.csv`` with a column
            ``pixels`` of H * H levels between blanks.

    Raises:
        AvemotionError: ``INVALID_DATASET``: the file holds no pictures, or more than fit into memory.
    """
    try:
        return _rows(path) if path.suffix.lower() == ".csv" else list(_array(path))
    except _FAULTS as error:
        raise AvemotionError(
            ErrorCode.INVALID_DATASET, f"The pictures in {path} cannot be read ({error})."
        ) from error


def _array(path: Path) -> Picture:
    with zipfile.ZipFile(path) as archive, archive.open(f"{_ARRAY}.npy") as member:
        # What a zip unpacks to is known before it is unpacked.
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[np.lib.format.read_magic(member)]
        shape, _, dtype = read_header(member)
    grey, coloured = len(shape) == _AXES_GREY, len(shape) == _AXES_COLOUR and shape[-1] == _RGB
    if dtype != np.uint8 or not (grey or coloured):
        raise ValueError(f"`{_ARRAY}` is {dtype} {shape}, not uint8 (N, H, W) or (N, H, W, 3)")
    if math.prod(shape) > MOST_BYTES:
        raise ValueError(f"`{_ARRAY}` has more than the {MOST_BYTES:,} bytes allowed")
    with np.load(path, allow_pickle=False) as arrays:
        pictures: Picture = arrays[_ARRAY]
    return pictures


def _rows(path: Path) -> list[Picture | None]:
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it has more than the {MOST_BYTES:,} bytes allowed")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        # One version of the file has blanks before its names.
        column = [name.strip() for name in next(rows, [])].index(_COLUMN)
        return [_square(row[column]) if column < len(row) else None for row in rows]


def _square(cell: str) -> Picture | None:
    try:
        levels = np.array(cell.split(), np.uint8)
    except (OverflowError, ValueError):
        return None
    side = math.isqrt(levels.size)
    return levels.reshape(side, side) if side and side * side == levels.size else None
