"""Reading a data set by its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import AvemotionError, ErrorCode
from training.datasets.problem import Problem
from training.datasets.sample import Sample

__all__ = ["Dataset", "Problem", "Sample", "read_dataset"]


@dataclass(frozen=True)
class Dataset:
    """The samples of a folder.

    Attributes:
        name: Of the data set.
        folder: Where it lies.
        labels: Its classes, in the order of ``training.datasets.emotions.EMOTIONS``.
        samples: In an order that does not depend on the machine.
        folds: How many folds test a part each; 0 without folds.
        problems: What was missing, broken, misnamed, and so on.
        fold_source: Where the folds come from, such as ``official`` or ``made by speaker``; empty: no folds.
    """

    name: str
    folder: Path
    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    folds: int
    problems: tuple[Problem, ...]
    fold_source: str = ""


def read_dataset(name: str, folder: Path, **options: Any) -> Dataset:
    """Return the samples of a data set in a folder; no media are opened.

    Args:
        name: One of ``training.datasets.registry.DATASETS``, or an alias.
        folder: Where it lies.
        options: Fields of ``training.datasets.options.Options``.

    Raises:
        AvemotionError: ``INVALID_DATASET``, with a sentence: the folder is another data set's, is empty or
            half-copied, its tables or folds do not fit, or an option is not one of this data set's.
    """
    message = f"{folder} cannot be read as {name} with {sorted(options)}: no data set can be read yet."
    raise AvemotionError(ErrorCode.INVALID_DATASET, message)
