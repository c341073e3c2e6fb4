"""FER2013: 35,887 grey faces of 48x48 in seven emotions, an official split (Goodfellow et al., 2013)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from training.datasets.emotions import BASIC, emotion_of
from training.datasets.fer2013_arrays import ARRAYS_SUFFIX, read_arrays
from training.datasets.fer2013_table import TABLES, read_table
from training.datasets.files import STILL_SUFFIXES, find_files, inside, usable
from training.datasets.layout import Layout, Reading
from training.datasets.options import Options
from training.datasets.picture import Picture
from training.datasets.problem import Problem
from training.datasets.sample import Sample, SplitName, Still

NAME = "fer2013"
_ARRAYS = f"{NAME}{ARRAYS_SUFFIX}"
_PARTS: dict[str, SplitName] = {"train": "train", "test": "test"}
# The folders put both tests into one; the names still tell them apart.
_PUBLIC_TEST = "publictest"


class Copies(NamedTuple):
    """Pictures with the same pixels: those to use, and those to leave out with the reason why."""

    used: list[Picture]
    left_out: list[tuple[Picture, str]]


def read(folder: Path, options: Options) -> Reading:
    """Return the pictures of ``fer2013.npz``, of Kaggle's CSV, or of its folders; copies are dropped."""
    del options
    reading = Reading()
    arrays = next(iter(_named(folder, {_ARRAYS})), None)
    table = next(iter(_named(folder, set(TABLES))), None)
    if arrays is not None:
        pictures = read_arrays(arrays)
    elif table is not None:
        pictures = read_table(table, reading.problems)
    else:
        pictures = _read_folders(folder, reading.problems)
    copies = without_copies(pictures)
    reading.problems += [
        Problem("duplicate", inside(folder, picture.still.path), f"{picture.id} {reason}; it is left out.")
        for picture, reason in copies.left_out
    ]
    reading.samples = [
        Sample(
            id=picture.id,
            dataset=NAME,
            still=picture.still,
            emotions={picture.emotion: 1.0},
            label_source=picture.label_source,
            split=picture.split,
        )
        for picture in copies.used
    ]
    return reading


def without_copies(pictures: Iterable[Picture]) -> Copies:
    """Return the pictures of which there is one; of copies with one label in one part, the first.

    Copies in two parts would let a model be tested on what it has seen, and copies with two labels are
    wrong at least once: of those none is used.
    """
    same: dict[bytes, list[Picture]] = defaultdict(list)
    for picture in pictures:
        same[picture.digest].append(picture)
    copies = Copies([], [])
    for group in same.values():
        parts = {picture.split for picture in group}
        emotions = {picture.emotion for picture in group}
        kept = group[0]
        if len(parts) > 1:
            reason = f"stands in {' and in '.join(sorted(parts))}"
        elif len(emotions) > 1:
            reason = f"is labelled {' and '.join(sorted(emotions))}"
        else:
            copies.used.append(kept)
            copies.left_out.extend((copy, f"is {kept.id} again") for copy in group[1:])
            continue
        copies.left_out.extend((copy, reason) for copy in group)
    return copies


def _named(folder: Path, names: set[str]) -> list[Path]:
    """Return the files of these names in the folder or one below it."""
    places = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    return [place / name for place in places for name in sorted(names) if (place / name).is_file()]


def _read_folders(folder: Path, problems: list[Problem]) -> list[Picture]:
    """Return the pictures of ``train/<emotion>/*.jpg`` and ``test/<emotion>/*.jpg``."""
    pictures = []
    for path in usable(folder, find_files(folder, STILL_SUFFIXES), problems):
        part, emotion = _PARTS.get(path.parent.parent.name.lower()), emotion_of(path.parent.name)
        if part is None or emotion not in BASIC:
            message = f"{inside(folder, path)} lies in no train/<emotion> or test/<emotion>; it is left out."
            problems.append(Problem("unknown", inside(folder, path), message))
            continue
        if part == "test" and path.stem.lower().startswith(_PUBLIC_TEST):
            split: SplitName = "validation"
        else:
            split = part
        digest = sha256(path.read_bytes()).digest()
        name = f"{part}-{emotion}-{_safe(path.stem)}"
        pictures.append(Picture(name, Still(path, None), emotion, split, digest, "folder name"))
    return pictures


def _safe(stem: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in stem)


def _recognises(folder: Path, files: list[Path]) -> bool:
    if _named(folder, {_ARRAYS, *TABLES}):
        return True
    return any(
        path.suffix.lower() in STILL_SUFFIXES
        and path.parent.parent.name.lower() in _PARTS
        and emotion_of(path.parent.name) in BASIC
        for path in files
    )


LAYOUT = Layout(
    name=NAME,
    title="FER2013",
    labels=BASIC,
    expects="fer2013.npz, fer2013.csv, or train/<emotion>/*.jpg and test/<emotion>/*.jpg",
    recognises=_recognises,
    read=read,
    aliases=("fer-2013", "fer"),
    options=frozenset(),
    clips=35887,
)
