"""MAFW: clips from films and television in eleven emotions (Liu et al., ACM Multimedia, 2022)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from training.datasets.files import VIDEO_SUFFIXES, find_files, inside, usable
from training.datasets.folds import FoldFile, apply_folds, check_labels, given_folds, read_folds
from training.datasets.layout import Layout, Reading
from training.datasets.mafw_tables import (
    LABELS,
    Labelled,
    Splits,
    find_table,
    read_distributions,
    read_labels,
    read_splits,
)
from training.datasets.options import Options
from training.datasets.problem import Problem
from training.datasets.sample import Sample
from training.datasets.tables import invalid

NAME = "mafw"
_CLIP = re.compile(r"\d{5}")
_OFFICIAL = "official"
_FOLD_TABLE = "single_folds.csv"


class Source(NamedTuple):
    """Where one kind of label stands: workbook, column, the authors' splits."""

    workbook: str
    column: str
    splits: str


_SOURCES = {
    "single": Source("single-set.xlsx", "single_label", "single"),
    "compound": Source("multi-set.xlsx", "multi_label", "compound"),
    "annotation": Source("annotation.xlsx", "", "single"),
}


def read(folder: Path, options: Options) -> Reading:
    """Return the clips that have a label of the wanted kind; who is seen in them is not known."""
    reading = Reading()
    wanted = options.labels_from or "single"
    splits = read_splits(folder, _SOURCES[wanted].splits)
    file = _folds(folder, options, splits, wanted)
    labelled, source = _labels(folder, wanted, splits, file)
    clips = _clips(folder, reading)
    for clip in sorted(labelled.emotions.keys() - clips.keys()):
        reading.problems.append(Problem("missing", None, f"There is no {clip}.mp4, which {source} names."))
    reading.named = len(labelled.emotions)
    for clip, path in clips.items():
        emotions = labelled.emotions.get(clip)
        if emotions is None:
            stands = f" (it has {labelled.unclear[clip]})" if clip in labelled.unclear else ""
            message = f"{clip} has no label in {source}{stands}; it is left out."
            reading.problems.append(Problem("unlabelled", inside(folder, path), message))
            continue
        reading.samples.append(
            Sample(id=clip, dataset=NAME, video=path, emotions=emotions, label_source=source)
        )
    if splits is not None:
        reading.problems += _differences(labelled, splits, source) if wanted != "annotation" else []
        reading.problems += [
            Problem("leak", None, f"The official sets train on {clip} and test it, or test it twice.")
            for clip in splits.leaks
        ]
    if file is not None:
        single = {clip: next(iter(shares)) for clip, shares in labelled.emotions.items() if len(shares) == 1}
        reading.problems += check_labels(file, single, "MAFW") if wanted == "single" else []
        apply_folds(reading, file, _CLIP.fullmatch, "MAFW")
    return reading


def _clips(folder: Path, reading: Reading) -> dict[str, Path]:
    """Return clip -> file; ``00025.mp4`` may lie anywhere below the folder."""
    clips: dict[str, Path] = {}
    paths = [path for path in find_files(folder, VIDEO_SUFFIXES) if _CLIP.fullmatch(path.stem)]
    for path in usable(folder, paths, reading.problems):
        kept = clips.setdefault(path.stem, path)
        if kept != path:
            message = f"{inside(folder, path)} is there a second time; {inside(folder, kept)} is used."
            reading.problems.append(Problem("duplicate", inside(folder, path), message))
    return clips


def _folds(folder: Path, options: Options, splits: Splits | None, wanted: str) -> FoldFile | None:
    """Return the folds that were asked for, else the authors', else those of a table in the folder."""
    if options.fold_file is None and splits is not None:
        return FoldFile(_OFFICIAL, splits.folds, {})
    beside = find_table(find_files(folder, {".csv"}), _FOLD_TABLE)
    if options.fold_file is None and beside is not None and wanted == "single":
        return read_folds(beside, LABELS)
    return given_folds(folder, options, LABELS)


def _labels(folder: Path, wanted: str, splits: Splits | None, file: FoldFile | None) -> tuple[Labelled, str]:
    """Return the labels and where they stand: the workbook, else the authors' splits, else the folds.

    Raises:
        AvemotionError: ``INVALID_DATASET``: none of them is there.
    """
    source = _SOURCES[wanted]
    book = find_table(find_files(folder, {".xlsx"}), source.workbook)
    if wanted == "annotation" and book is not None:
        return read_distributions(book), source.workbook
    if wanted == "compound" and splits is not None:
        # The splits hold all clips of multi-set.xlsx, and beside them most of those with one emotion.
        return Labelled(dict(splits.emotions)), "the official compound set"
    if book is not None:
        return read_labels(book, source.column), source.workbook
    if wanted == "single" and splits is not None:
        return Labelled(dict(splits.emotions)), "the official single set"
    if wanted == "single" and file is not None and file.labels:
        return Labelled({clip: {emotion: 1.0} for clip, emotion in file.labels.items()}), file.source
    raise invalid(
        f"{folder} has no labels of MAFW for {wanted}: neither Labels/{source.workbook} nor"
        f" `Train & Test Set/{source.splits}` lies below it."
    )


def _differences(labelled: Labelled, splits: Splits, source: str) -> list[Problem]:
    """Return the clips to which the authors' splits give another label than their workbook."""
    both = labelled.emotions.keys() & splits.emotions.keys()
    return [
        Problem(
            "conflict",
            None,
            f"{clip} is {_listed(splits.emotions[clip])} in the official sets and"
            f" {_listed(labelled.emotions[clip])} in {source}, which counts.",
        )
        for clip in sorted(both)
        if splits.emotions[clip] != labelled.emotions[clip]
    ]


def _listed(shares: Mapping[str, float]) -> str:
    return " and ".join(shares)


def _recognises(_: Path, files: list[Path]) -> bool:
    names = {path.name.lower() for path in files}
    tables = {source.workbook for source in _SOURCES.values()} | {_FOLD_TABLE}
    sets = any("Train & Test Set" in path.parts for path in files)
    clips = any(_CLIP.fullmatch(path.stem) and path.suffix.lower() in VIDEO_SUFFIXES for path in files)
    return clips and (sets or bool(tables & names))


LAYOUT = Layout(
    name=NAME,
    title="MAFW",
    labels=LABELS,
    expects="clips named as 00025.mp4, with Labels/single-set.xlsx or `Train & Test Set/`",
    recognises=_recognises,
    read=read,
    aliases=("mfaw",),
    label_sources=tuple(_SOURCES),
    clips=10045,
)
