"""FER2013 as arrays: ``fer2013.npz`` with ``image``, ``label``, ``labels`` and ``split``."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from training.datasets.emotions import BASIC
from training.datasets.picture import Picture
from training.datasets.sample import SplitName, Still
from training.datasets.tables import invalid

ARRAYS_SUFFIX = ".npz"
SIDE_PX = 48
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
"""What 0, 1 and 2 in ``split`` mean: Kaggle's Training, PublicTest and PrivateTest."""


def read_arrays(path: Path) -> list[Picture]:
    """Return the pictures of an ``.npz``.

    Raises:
        AvemotionError: ``INVALID_DATASET``: an array is missing or is not what it should be.
    """
    image, label, labels, split = _load(path)
    names = [str(name) for name in labels]
    strange = [name for name in names if name not in BASIC]
    if strange:
        raise invalid(f"{path}: its `labels` name {', '.join(strange)}; FER2013 has {', '.join(BASIC)}.")
    if image.shape != (len(label), SIDE_PX, SIDE_PX) or image.dtype != np.uint8 or label.shape != split.shape:
        raise invalid(
            f"{path}: `image` is {image.dtype} {image.shape}, with {label.shape} labels and {split.shape}"
            f" splits; it should be uint8 (pictures, {SIDE_PX}, {SIDE_PX}) with one of each a picture."
        )
    if label.size and (label.max() >= len(names) or split.max() >= len(SPLITS)):
        raise invalid(f"{path}: a label or a split is larger than there are names for it.")
    return [
        Picture(
            id=f"{index:05d}",
            still=Still(path, index),
            emotion=names[label[index]],
            split=SPLITS[split[index]],
            digest=sha256(pixels.tobytes()).digest(),
            label_source="annotation",
        )
        for index, pixels in enumerate(image)
    ]


def _load(path: Path) -> list[NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = [archive[name] for name in ("image", "label", "labels", "split")]
    except KeyError as error:
        raise invalid(f"{path} has not the arrays image, label, labels and split ({error}).") from error
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise invalid(f"{path} cannot be read as .npz of plain arrays ({error}).") from error
    for name, array in zip(("label", "split"), (arrays[1], arrays[3]), strict=True):
        if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer) or (array.size and array.min() < 0):
            raise invalid(
                f"{path}: `{name}` is {array.dtype} {array.shape}; it should be one number a picture."
            )
    return arrays
