"""Folds: read from a file, or made so that no speaker stands in two."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from training.datasets.emotions import counted
from training.datasets.layout import Reading
from training.datasets.options import Options
from training.datasets.problem import Problem
from training.datasets.sample import Sample
from training.datasets.tables import first, invalid, read_csv

MISFIT_SHARE = 0.05
"""Share of clips that a table and a folder may disagree on before they count as not belonging together."""


@dataclass(frozen=True)
class FoldFile:
    """Folds of clips, as a file gives them.

    Attributes:
        source: Where they come from, for the report.
        folds: Clip -> the fold, from 1, that tests it.
        labels: Clip -> emotion, where the file says so.
    """

    source: str
    folds: Mapping[str, int]
    labels: Mapping[str, str]


def read_folds(path: Path, labels: Sequence[str]) -> FoldFile:
    """Return the folds of a CSV with ``clip``, ``test_fold`` and perhaps ``label_index``.

    Args:
        path: The file.
        labels: What ``label_index`` counts, from 0.

    Raises:
        AvemotionError: ``INVALID_DATASET``: a value is not a number that may stand there, a clip has two
            folds, the folds do not count from 1 without a gap, or there is only one.
    """
    folds: dict[str, int] = {}
    emotions: dict[str, str] = {}
    for number, row in enumerate(read_csv(path, ("clip", "test_fold")), start=2):
        clip, fold, index = row["clip"], row["test_fold"], row.get("label_index", "")
        if not fold.isdecimal() or not int(fold):
            raise invalid(f"Row {number} of {path}: test_fold is {fold!r}, and folds are numbers from 1.")
        if folds.setdefault(clip, int(fold)) != int(fold):
            raise invalid(f"{path} puts {clip} into fold {folds[clip]} and into fold {fold}.")
        if index:
            if not index.isdecimal() or int(index) >= len(labels):
                raise invalid(
                    f"Row {number} of {path}: label_index is {index!r}; it counts {', '.join(labels)} from 0."
                )
            emotions[clip] = labels[int(index)]
    check_numbers(set(folds.values()), str(path))
    return FoldFile(path.name, folds, emotions)


def check_numbers(numbers: set[int], where: str) -> None:
    """Raise ``INVALID_DATASET`` unless the folds are 1, 2, ... without a gap, and at least two."""
    if numbers != set(range(1, len(numbers) + 1)) or len(numbers) < 2:  # noqa: PLR2004 - one fold tests nothing
        listed = ", ".join(str(number) for number in sorted(numbers)) or "none"
        raise invalid(f"The folds of {where} are {listed}; there must be at least two, from 1 without a gap.")


def apply_folds(reading: Reading, file: FoldFile, known: Callable[[str], object], title: str) -> None:
    """Give each sample its fold; a clip that the file does not name is left out, as published results do.

    Args:
        reading: Its samples get folds; problems come in addition.
        file: The folds.
        known: Whether a name may be a clip of the data set, also where it is broken or missing.
        title: The data set's, for messages.

    Raises:
        AvemotionError: ``INVALID_DATASET``: the file is another data set's, or leaves out many clips.
    """
    strangers = sorted(clip for clip in file.folds if not known(clip))
    if len(strangers) > MISFIT_SHARE * len(file.folds):
        raise invalid(
            f"The folds of {file.source} are not those of this {title}: they name {first(strangers)},"
            f" {len(strangers):,} of {len(file.folds):,} clips, which it does not have."
        )
    reading.problems += [
        Problem("unknown", None, f"{file.source} names {name}, which is no clip of {title}.")
        for name in strangers
    ]
    left_out = [sample.id for sample in reading.samples if sample.id not in file.folds]
    if len(left_out) > MISFIT_SHARE * len(reading.samples):
        raise invalid(
            f"{len(left_out):,} of {len(reading.samples):,} clips have no fold in {file.source}:"
            f" {first(left_out)}. Give a file that names them, or none."
        )
    reading.problems += [
        Problem("no_fold", None, f"{clip} has no fold in {file.source}; it is left out.") for clip in left_out
    ]
    reading.samples = [
        replace(sample, fold=file.folds[sample.id]) for sample in reading.samples if sample.id in file.folds
    ]
    reading.folds = max(file.folds.values())
    reading.fold_source = file.source


def given_folds(folder: Path, options: Options, labels: Sequence[str]) -> FoldFile | None:
    """Return the folds of the file that was named, or of ``folds.csv`` in the folder; None without."""
    beside = folder / "folds.csv"
    path = options.fold_file or (beside if beside.is_file() else None)
    return None if path is None else read_folds(path, labels)


def check_labels(file: FoldFile, truth: Mapping[str, str], title: str) -> list[Problem]:
    """Return the clips to which a fold file gives another emotion than the data set does.

    Raises:
        AvemotionError: ``INVALID_DATASET``: there are many; its index counts the classes in another order.
    """
    both = file.labels.keys() & truth.keys()
    wrong = sorted(clip for clip in both if file.labels[clip] != truth[clip])
    if len(wrong) > MISFIT_SHARE * len(both):
        clip = wrong[0]
        raise invalid(
            f"The label_index of {file.source} does not count the classes of {title} in our order: it makes"
            f" {clip} {file.labels[clip]}, and it is {truth[clip]} ({len(wrong):,} of {len(both):,} differ)."
        )
    return [
        Problem(
            "conflict",
            None,
            f"{file.source} makes {clip} {file.labels[clip]}; the data set's own {truth[clip]} counts.",
        )
        for clip in wrong
    ]


def make_folds(samples: Iterable[Sample], count: int) -> dict[tuple[str, str], int]:
    """Return a fold for each sample, so that no speaker is in two and classes are spread evenly.

    Speakers are taken from the one with the most samples to the one with the fewest, each to the fold that
    has the least of the same classes; names break ties. So the same samples always get the same folds.
    A sample whose speaker is not known counts as a speaker of its own.

    Args:
        samples: With labels and speakers.
        count: How many folds; fewer are made of fewer speakers, and none of a single one.

    Returns:
        (Data set, id) -> fold, from 1; empty where none can be made.
    """
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.speaker or f"{sample.dataset}//{sample.id}", []).append(sample)
    count = min(count, len(groups))
    if count < 2:  # noqa: PLR2004 - one fold tests nothing
        return {}
    held: list[dict[str, float]] = [{} for _ in range(count)]
    sizes = [0] * count
    folds: dict[tuple[str, str], int] = {}
    for _, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        classes = counted(group)
        chosen = min(
            range(count),
            key=lambda fold: (
                round(sum(held[fold].get(emotion, 0) * number for emotion, number in classes.items()), 6),
                sizes[fold],
                fold,
            ),
        )
        for emotion, number in classes.items():
            held[chosen][emotion] = held[chosen].get(emotion, 0) + number
        sizes[chosen] += len(group)
        folds.update({(sample.dataset, sample.id): chosen + 1 for sample in group})
    return folds
