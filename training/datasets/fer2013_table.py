"""FER2013 as Kaggle's CSV: a row a picture, with emotion, pixels and usage."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from training.datasets.fer2013_arrays import SIDE_PX
from training.datasets.picture import Picture
from training.datasets.problem import Problem
from training.datasets.sample import SplitName, Still
from training.datasets.tables import invalid

TABLES = ("fer2013.csv", "icml_face_data.csv")
_COLUMNS = ("emotion", "pixels", "Usage")
# The order in which Kaggle counts, from 0.
_EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
_USAGES: dict[str, SplitName] = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}


def read_table(path: Path, problems: list[Problem]) -> list[Picture]:
    """Return the pictures of a CSV; a row that is none becomes a problem.

    Raises:
        AvemotionError: ``INVALID_DATASET``: the file cannot be read, or lacks a column.
    """
    pictures = []
    for index, row in enumerate(_rows(path)):
        picture = _picture(path, index, row)
        if picture is None:
            # The first row has the names.
            message = f"Row {index + 2} of {path.name} is no picture of {SIDE_PX}x{SIDE_PX}; it is left out."
            problems.append(Problem("broken", Path(path.name), message))
        else:
            pictures.append(picture)
    return pictures


def _picture(path: Path, index: int, row: dict[str, str]) -> Picture | None:
    emotion, split = row.get("emotion", ""), _USAGES.get(row.get("Usage", ""))
    pixels = row.get("pixels", "").split()
    known = emotion.isdecimal() and int(emotion) < len(_EMOTIONS)
    if not known or split is None or len(pixels) != SIDE_PX * SIDE_PX:
        return None
    return Picture(
        id=f"{index:05d}",
        still=Still(path, index),
        emotion=_EMOTIONS[int(emotion)],
        split=split,
        digest=sha256(" ".join(pixels).encode()).digest(),
        label_source="annotation",
    )


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows; one version of the file has blanks before its names."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            names = [name.strip() for name in next(rows, [])]
            lacking = [column for column in _COLUMNS if column not in names]
            if lacking:
                raise invalid(f"{path} has no column {' and no column '.join(lacking)}.")
            for row in rows:
                yield dict(zip(names, (cell.strip() for cell in row), strict=False))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise invalid(f"{path} cannot be read as CSV in UTF-8 ({error}).") from error
