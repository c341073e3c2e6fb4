"""MAFW's own tables: labels in Excel, and the authors' splits in text that is not always UTF-8."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.datasets.emotions import EMOTIONS, emotion_of, shared
from training.datasets.files import find_files
from training.datasets.tables import invalid, read_xlsx

LABELS = EMOTIONS[:11]
"""In the order that the authors count, from 1."""
OFFICIAL_FOLDS = 5

_CELL = re.compile(r"(\d{1,5})(?:\.0)?(?:\.mp4)?")
# Between clip and label stands a space, or with captions a tab; what follows may be in any encoding.
_SPLIT_LINE = re.compile(rb"\s*(\d{5})\.mp4[ \t]+([a-z_]+)(?:[\t\r\n ].*)?", re.DOTALL)
_SET = re.compile(rf"set_([1-{OFFICIAL_FOLDS}])")


@dataclass(frozen=True)
class Labelled:
    """What tables say of clips.

    Attributes:
        emotions: Clip -> shares.
        unclear: Clip -> what stands in the table and is no label.
    """

    emotions: dict[str, dict[str, float]] = field(default_factory=dict)
    unclear: dict[str, str] = field(default_factory=dict)


def read_labels(path: Path, column: str) -> Labelled:
    """Return the labels of ``single-set.xlsx`` or ``multi-set.xlsx``.

    Args:
        path: The workbook.
        column: ``single_label`` or ``multi_label``; the last one where no row names it.

    Raises:
        AvemotionError: ``INVALID_DATASET``: no workbook, or no clips in it.
    """
    labelled = Labelled()
    for clip, row, names in _rows(path):
        cell = row[names.index(column)] if column in names else row[-1]
        emotions = _emotions(cell)
        if emotions:
            labelled.emotions[clip] = shared(emotions)
        else:
            labelled.unclear[clip] = str(cell)
    return labelled


def read_distributions(path: Path) -> Labelled:
    """Return the eleven numbers of each clip in ``annotation.xlsx``, divided by their sum.

    Raises:
        AvemotionError: ``INVALID_DATASET``: no workbook, no clips in it, or no column of an emotion.
    """
    labelled = Labelled()
    for clip, row, names in _rows(path):
        lacking = [emotion for emotion in LABELS if emotion not in names]
        if lacking:
            raise invalid(f"{path} has no column {' and no column '.join(lacking)}.")
        cells = {emotion: row[names.index(emotion)] for emotion in LABELS}
        given = {
            emotion: float(cell)
            for emotion, cell in cells.items()
            if isinstance(cell, int | float) and cell > 0
        }
        total = sum(given.values())
        if total:
            labelled.emotions[clip] = {emotion: number / total for emotion, number in given.items()}
        else:
            labelled.unclear[clip] = "no emotion above 0"
    return labelled


def _rows(path: Path) -> list[tuple[str, tuple[Any, ...], list[str]]]:
    """Return clip, cells and column names of each row that begins with a clip."""
    names: list[str] = []
    rows = []
    for row in read_xlsx(path):
        cells = row
        while cells and cells[-1] is None:
            cells = cells[:-1]
        match = _CELL.fullmatch(str(cells[0]).strip()) if cells else None
        if match and len(cells) > 1:
            # Excel has cut the zeros off where a cell became a number.
            rows.append((match[1].zfill(5), (*row[: max(len(cells), len(names))],), names))
        elif not rows:
            names = [str(cell).strip().lower() for cell in cells]
    if not rows:
        raise invalid(f"{path} holds no clips: no row begins with a number such as 00025.")
    return rows


def _emotions(cell: Any) -> list[str]:
    """Return the emotions of ``7`` or ``1,2``; empty where it is no such list."""
    words = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
    numbers = [word.strip() for word in words.split(",")]
    if not all(number.isdecimal() and 1 <= int(number) <= len(LABELS) for number in numbers):
        return []
    return [LABELS[int(number) - 1] for number in numbers]


@dataclass(frozen=True)
class Splits:
    """The authors' five splits of one kind.

    Attributes:
        folds: Clip -> the set, from 1, that tests it.
        emotions: Clip -> shares.
        leaks: Clips that a set trains on and tests, or that two sets test.
    """

    folds: Mapping[str, int]
    emotions: Mapping[str, dict[str, float]]
    leaks: tuple[str, ...]


def read_splits(folder: Path, kind: str) -> Splits | None:
    """Return the splits below a folder; those without captions where both are there, as they are complete.

    Args:
        folder: The data set's.
        kind: ``single`` or ``compound``.

    Raises:
        AvemotionError: ``INVALID_DATASET``: a set is missing, or a line is not ``00025.mp4 anger``.
    """
    files = [
        path
        for path in find_files(folder, {".txt"})
        if path.stem in ("train", "test") and _SET.fullmatch(path.parent.name)
    ]
    by_kind = [path for path in files if kind in path.parent.parent.parts]
    plain = [path for path in by_kind if "with_caption" not in path.parts]
    chosen = plain or by_kind
    if not chosen:
        return None
    parts = {(int(path.parent.name[-1]), path.stem): path for path in chosen}
    for number in range(1, OFFICIAL_FOLDS + 1):
        for part in ("train", "test"):
            if (number, part) not in parts:
                where = chosen[0].parent.parent
                raise invalid(f"There is no set_{number}/{part}.txt in {where}; all five sets are needed.")
    return _join({key: _read_part(path) for key, path in parts.items()})


def _join(parts: Mapping[tuple[int, str], Mapping[str, dict[str, float]]]) -> Splits:
    folds: dict[str, int] = {}
    emotions: dict[str, dict[str, float]] = {}
    leaks: set[str] = set()
    for (number, part), clips in sorted(parts.items()):
        emotions.update(clips)
        if part == "train":
            continue
        leaks |= clips.keys() & (parts[number, "train"].keys() | folds.keys())
        folds.update(dict.fromkeys(clips.keys() - folds.keys(), number))
    return Splits(folds, emotions, tuple(sorted(leaks)))


def _read_part(path: Path) -> dict[str, dict[str, float]]:
    """Return clip -> shares of a ``train.txt`` or ``test.txt``; captions are not decoded."""
    try:
        lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
    except OSError as error:
        raise invalid(f"{path} cannot be read ({error.strerror}).") from error
    clips = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        match = _SPLIT_LINE.fullmatch(line)
        emotions = _words(match[2]) if match else []
        if match is None or not emotions:
            raise invalid(
                f"Line {number} of {path} is not as the authors write it, `00025.mp4 anger`. Copies made for"
                " DFER-CLIP number the classes in another order and cannot be used here."
            )
        clips[match[1].decode()] = shared(emotions)
    return clips


def _words(label: bytes) -> list[str]:
    named = [emotion_of(word) for word in label.decode("ascii").split("_")]
    return [] if None in named else [emotion for emotion in named if emotion in LABELS]


def find_table(files: Iterable[Path], name: str) -> Path | None:
    """Return the file of that name, whatever its case; None without."""
    return next((path for path in files if path.name.lower() == name), None)
