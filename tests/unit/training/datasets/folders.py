"""Folders as data sets are published, made of tiny files; none of them is media unless it says so."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from shared.errors import AvemotionError, ErrorCode
from training.datasets.dataset import Dataset, read_dataset

SHARED_DATA = Path(__file__).parents[5] / "shared" / "data"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 123456\n"
MAFW_EMOTIONS = (
    "anger",
    "disgust",
    "fear",
    "happiness",
    "neutral",
    "sadness",
    "surprise",
    "contempt",
    "anxiety",
    "helplessness",
    "disappointment",
)


def files(folder: Path, names: Iterable[str], content: str = "clip") -> None:
    """Write small files, with the folders they need."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def table(path: Path, rows: Iterable[Sequence[object]]) -> Path:
    """Write a CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def workbook(path: Path, rows: Iterable[Sequence[Any]]) -> Path:
    """Write an Excel file of one sheet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    book.save(path)
    return path


def codes(dataset: Dataset) -> Counter[str]:
    """Return how many problems of each kind there are."""
    return Counter(problem.code for problem in dataset.problems)


def told(dataset: Dataset, code: str) -> list[str]:
    """Return what the problems of a kind say."""
    return [problem.message for problem in dataset.problems if problem.code == code]


def refuses(name: str, folder: Path, *parts: str, **options: Any) -> None:
    """Hold a reading to a refusal, in a sentence that says all of ``parts``."""
    with pytest.raises(AvemotionError) as caught:
        read_dataset(name, folder, **options)
    assert caught.value.code is ErrorCode.INVALID_DATASET
    assert caught.value.message.endswith((".", ")."))
    for part in parts:
        assert part in caught.value.message


def shared_data(name: str) -> Path:
    """Return a file or folder of the shared data; skip the test where it is not there."""
    path = SHARED_DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not at hand: it may not be shipped with the project")
    return path
