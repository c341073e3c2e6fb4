"""Reading a data set by its name."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from training.datasets.emotions import class_affect
from training.datasets.folds import MISFIT_SHARE, make_folds
from training.datasets.layout import Layout, Reading
from training.datasets.options import Options, options_of
from training.datasets.problem import Problem
from training.datasets.registry import check_folder, layout_of, recognise
from training.datasets.sample import Sample
from training.datasets.splits import leaking_speakers
from training.datasets.tables import first, invalid

__all__ = ["Dataset", "Problem", "Sample", "read_dataset"]

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Dataset:
    """The samples of a folder.

    Attributes:
        name: Of the data set.
        folder: Where it lies.
        labels: Its classes, in the order of ``training.datasets.emotions.EMOTIONS``.
        samples: In the order of their ids.
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
        options: Fields of ``training.datasets.options.Options``; None is "not given".

    Raises:
        AvemotionError: ``INVALID_DATASET``, with a sentence: the folder is another data set's, is empty or
            half-copied, its tables or folds do not fit, or an option is not one of this data set's.
    """
    layout = layout_of(name)
    chosen = options_of(layout.title, layout.options, layout.label_sources, options)
    check_folder(folder)
    reading = layout.read(folder, chosen)
    _check_found(reading, layout, folder)
    if not chosen.partial:
        _check_whole(reading, layout, folder)
    if chosen.class_constants:
        reading.samples = [_with_class_affect(sample) for sample in reading.samples]
    if not reading.folds:
        _make_folds(reading, chosen)
    samples = tuple(sorted(reading.samples, key=lambda sample: sample.id))
    leaks = [
        Problem("leak", None, f"{speaker} stands on both sides of a split.")
        for speaker in leaking_speakers(samples)
    ]
    return Dataset(
        name=reading.name or layout.name,
        folder=folder,
        labels=layout.labels or reading.labels,
        samples=samples,
        folds=reading.folds,
        problems=(*reading.problems, *leaks),
        fold_source=reading.fold_source,
    )


def _check_found(reading: Reading, layout: Layout, folder: Path) -> None:
    """Raise ``INVALID_DATASET`` where nothing was found; say what the folder looks like instead."""
    unsafe = [sample.id for sample in reading.samples if not _SAFE_ID.fullmatch(sample.id)]
    if unsafe:
        raise invalid(f"{first(unsafe)} in {folder} cannot be the name of a sample.")
    if reading.samples:
        return
    others = [other.name for other in recognise(folder) if other is not layout]
    looks = f" It looks like {' and '.join(others)}." if others else ""
    said = [problem.message for problem in reading.problems]
    why = f" {said[0]}" + (f" So it is with {len(said) - 1:,} more." if len(said) > 1 else "") if said else ""
    raise invalid(
        f"{folder} holds no sample of {layout.title} that can be used; expected is {layout.expects}."
        f"{looks}{why}"
    )


def _check_whole(reading: Reading, layout: Layout, folder: Path) -> None:
    """Raise ``INVALID_DATASET`` where a good part of what should be there is not."""
    # Where something says what should be there, a broken file is missing as well.
    gap = [problem for problem in reading.problems if problem.code == "missing"] or [
        problem for problem in reading.problems if problem.code == "broken"
    ]
    whole = max(reading.named, len(reading.samples) + len(gap))
    if len(gap) > MISFIT_SHARE * whole:
        raise invalid(
            f"{folder} holds only a part of {layout.title}: {len(gap):,} of {whole:,} files"
            f" ({len(gap) / whole:.0%}) are missing or broken. {gap[0].message} Copy the rest, or say"
            " that a part will do (partial)."
        )


def _with_class_affect(sample: Sample) -> Sample:
    """Return a sample with its class's valence and arousal, marked so, where it has none of its own."""
    affect = class_affect(sample.emotions)
    if affect is None or sample.affect_source is not None:
        return sample
    return replace(sample, valence=affect[0], arousal=affect[1], affect_source="class_constant")


def _make_folds(reading: Reading, options: Options) -> None:
    """Make folds by speaker, unless there is an official split."""
    if any(sample.split for sample in reading.samples):
        return
    folds = make_folds(reading.samples, options.fold_count)
    reading.samples = [
        replace(sample, fold=folds.get((sample.dataset, sample.id))) for sample in reading.samples
    ]
    reading.folds = max(folds.values(), default=0)
    if reading.folds:
        known = all(sample.speaker for sample in reading.samples)
        reading.fold_source = "made by speaker" if known else "made by clip"
