"""Samples and data sets that are on no disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from training.datasets.dataset import Dataset
from training.datasets.emotions import in_order
from training.datasets.sample import Sample


def sample(name: str, emotion: str = "anger", speaker: str | None = None, **more: Any) -> Sample:
    """Return a sample of the data set "made"; its speaker's name is given without the data set's."""
    own = {"dataset": "made", **more}
    return Sample(
        id=name,
        emotions={emotion: 1.0},
        speaker=None if speaker is None else f"{own['dataset']}/{speaker}",
        **own,
    )


def dataset(name: str, samples: Iterable[Sample], folds: int = 0) -> Dataset:
    """Return a data set of samples."""
    found = tuple(samples)
    labels = in_order(emotion for one in found for emotion in one.emotions or {})
    return Dataset(name, Path(name), labels, found, folds, (), "official" if folds else "")
