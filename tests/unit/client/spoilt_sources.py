"""Checkpoints of VideoMAE tiny, and ways to spoil them; each writer puts one into a folder."""

from __future__ import annotations

import os
import pickle
import shutil
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]  # ships no types
import numpy as np
import tensorflow as tf
import torch

from tests.unit.model.source_files import (
    Tensors,
    huggingface,
    innat,
    official,
    write_huggingface,
    write_json,
    write_keras_h5,
    write_savedmodel,
    write_torch,
    write_zip,
)
from worker.model.presets import PRESETS, Preset

Writer = Callable[[Path], Path]

TINY = PRESETS["tiny"]
GOOD = official(TINY)
HF = huggingface(GOOD)
# Of small's width; nobody looks further.
WIDER = official(Preset("wider", 384, 1, 6))


def changed(**changes: Any) -> Tensors:
    """Return the official tensors with some changed, added, or left out (None); ``__`` stands for a dot."""
    tensors = {**GOOD, **{name.replace("__", "."): array for name, array in changes.items()}}
    return {name: array for name, array in tensors.items() if array is not None}


def pth(tensors: Tensors) -> Writer:
    return lambda folder: write_torch(folder / "a.pth", tensors)


def arrays(change: Callable[[list[Any]], object] = lambda _: None, tensors: Tensors = GOOD) -> list[Any]:
    made = innat(tensors, TINY)
    change(made)
    return made


def h5(made: list[Any], change: Callable[[h5py.File], object] = lambda _: None) -> Writer:
    def write(folder: Path) -> Path:
        path = write_keras_h5(folder / "a.h5", made, TINY.depth)
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    return write


def raw(data: bytes) -> Writer:
    def write(folder: Path) -> Path:
        (folder / "a.pth").write_bytes(data)
        return folder / "a.pth"

    return write


def cut(write: Writer, share: float, name: str = "") -> Writer:
    """Keep only a share of what a writer writes, or of one file in it."""

    def write_less(folder: Path) -> Path:
        path = write(folder)
        file = path / name if name else path
        os.truncate(file, int(file.stat().st_size * share))
        return path

    return write_less


def hf(tensors: Tensors = HF, shards: int = 1, **config: object) -> Writer:
    return lambda folder: write_huggingface(folder / "a", tensors, shards, **config)


def without(write: Writer, name: str) -> Writer:
    def write_less(folder: Path) -> Path:
        path = write(folder)
        (path / name).unlink()
        return path

    return write_less


def beside(write: Writer, name: str, value: object) -> Writer:
    def write_more(folder: Path) -> Path:
        path = write(folder)
        write_json(path / name, value)
        return path

    return write_more


def savedmodel(made: list[Any]) -> Writer:
    return lambda folder: write_savedmodel(folder / "a", made)


def zipped(made: list[Any], **more: bytes) -> Writer:
    def write(folder: Path) -> Path:
        path = write_zip(folder / "a.zip", write_savedmodel(folder / "a", made), **more)
        shutil.rmtree(folder / "a")
        return path

    return write


def gap(folder: Path) -> Path:
    """Leave out one number of a SavedModel's variables."""
    path = write_savedmodel(folder / "a", arrays())
    kept = {str(number): tf.Variable(array) for number, array in enumerate(arrays()) if number != 7}
    tf.train.Checkpoint(variables=kept).write(str(path / "variables" / "variables"))
    return path


def linked(folder: Path) -> Path:
    link = zipfile.ZipInfo("a/variables/variables.index")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    return folder / "a.zip"


def other_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    return folder / "a.zip"


def ours(folder: Path) -> Path:
    with h5py.File(folder / "a.weights.h5", "w") as file:
        file["backbone/vars/0"] = np.zeros(3)
    return folder / "a.weights.h5"


def few(folder: Path) -> Path:
    (folder / "a").mkdir()
    (folder / "a" / "readme.txt").write_text("nothing")
    return folder / "a"


@dataclass
class Hostile:
    """Unpickled, it would make a file."""

    path: Path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        """Name a command to run, as any pickle can."""
        return os.system, (f"touch {self.path}",)


def hostile_zip(folder: Path) -> Path:
    torch.save({"model": Hostile(folder / "touched")}, folder / "a.pth")
    return folder / "a.pth"


def hostile_pickle(folder: Path) -> Path:
    return raw(pickle.dumps({"model": Hostile(folder / "touched")}, protocol=2))(folder)


def swap(first: int, second: int) -> Callable[[list[Any]], object]:
    def change(made: list[Any]) -> None:
        made[first], made[second] = made[second], made[first]

    return change


def nan(array: np.ndarray) -> np.ndarray:
    spoilt = array.copy()
    spoilt.flat[-1] = np.nan
    return spoilt
