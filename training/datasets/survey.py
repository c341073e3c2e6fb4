"""What a data set amounts to: counts by class, speaker and fold, and what follows from them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from training.datasets.dataset import Dataset
from training.datasets.emotions import counted
from training.datasets.layout import Layout
from training.datasets.probing import Probed
from training.datasets.sample import Sample
from training.datasets.splits import side_of
from training.datasets.tables import first

FEW_SAMPLES = 10
"""Fewer than these of a class say next to nothing about it."""
LOPSIDED = 10
"""Times the smallest class at which the largest one drowns it."""
TELLING_LENGTHS = 1.5
"""Times the shortest class's median length at which lengths alone give classes away."""


def sides(dataset: Dataset) -> dict[str, list[Sample]]:
    """Return the samples of each fold or official part, in the order in which people name them."""
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample in dataset.samples:
        found[side_of(sample)].append(sample)
    order = [*(f"fold {fold}" for fold in range(1, dataset.folds + 1)), "train", "validation", "test"]
    return {side: found[side] for side in order if side in found or side.startswith("fold ")}


def by_class(dataset: Dataset, samples: Iterable[Sample]) -> dict[str, float]:
    """Return how many of some samples each class of a data set has; shares count as shares."""
    counts = counted(samples)
    return {label: round(counts.get(label, 0), 3) for label in dataset.labels}


def by_speaker(dataset: Dataset) -> dict[str, list[Sample]]:
    """Return the samples of each speaker that is known, sorted by name."""
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample in dataset.samples:
        if sample.speaker is not None:
            found[sample.speaker].append(sample)
    return dict(sorted(found.items()))


def kind_of(sample: Sample) -> str:
    """Return what a sample consists of."""
    if sample.still is not None:
        return "still"
    if sample.video is None:
        return "sound"
    return "video and sound file" if sample.audio else "video"


def findings(dataset: Dataset, layout: Layout, probed: Probed | None) -> list[str]:
    """Return what follows for training and testing, a sentence each."""
    return [
        *_of_size(dataset, layout),
        *_of_classes(dataset),
        *_of_folds(dataset),
        *_of_affect(dataset),
        *_of_lengths(dataset, _lengths(dataset, probed)),
        *_of_media(probed),
    ]


def document(dataset: Dataset, layout: Layout, probed: Probed | None) -> dict[str, Any]:
    """Return all of it as plain values, for JSON."""
    problems = (*dataset.problems, *(probed.problems if probed else ()))
    return {
        "name": dataset.name,
        "layout": layout.name,
        "folder": str(dataset.folder),
        "samples": len(dataset.samples),
        "published": layout.clips,
        "labels": list(dataset.labels),
        "label_sources": dict(Counter(sample.label_source for sample in dataset.samples)),
        "media": dict(Counter(kind_of(sample) for sample in dataset.samples)),
        "classes": by_class(dataset, dataset.samples),
        "folds": dataset.folds,
        "fold_source": dataset.fold_source or None,
        "sides": {
            side: {
                "samples": len(samples),
                "speakers": len({sample.speaker for sample in samples} - {None}),
                "classes": by_class(dataset, samples),
            }
            for side, samples in sides(dataset).items()
        },
        "speakers": {
            speaker: {"samples": len(samples), "classes": by_class(dataset, samples)}
            for speaker, samples in by_speaker(dataset).items()
        },
        "affect_sources": dict(Counter(sample.affect_source or "none" for sample in dataset.samples)),
        "problems": [
            {
                "code": problem.code,
                "path": str(problem.path) if problem.path else None,
                "message": problem.message,
            }
            for problem in problems
        ],
        "findings": findings(dataset, layout, probed),
        "probed": len(probed.lengths_s) if probed else None,
    }


def _of_size(dataset: Dataset, layout: Layout) -> list[str]:
    if layout.clips is None or len(dataset.samples) >= layout.clips:
        return []
    return [f"{len(dataset.samples):,} of the {layout.clips:,} published samples are used."]


def _of_classes(dataset: Dataset) -> list[str]:
    counts = by_class(dataset, dataset.samples)
    told = []
    few = [f"{label} ({count:g})" for label, count in counts.items() if count < FEW_SAMPLES]
    if few:
        noun = "1 class has" if len(few) == 1 else f"{len(few)} classes have"
        told.append(f"{noun} fewer than {FEW_SAMPLES} samples: {', '.join(few)}.")
    if "neutral" not in counts:
        told.append("No class is neutral: a model trained on this alone finds an emotion in every face.")
    present = [count for count in counts.values() if count]
    if present and max(present) >= LOPSIDED * min(present):
        times = max(present) / min(present)
        told.append(f"The largest class has {times:.0f} times the samples of the smallest: weigh classes.")
    unlabelled = sum(sample.emotions is None for sample in dataset.samples)
    if unlabelled:
        told.append(f"{unlabelled:,} samples have valence or arousal, and no emotion.")
    return told


def _of_folds(dataset: Dataset) -> list[str]:
    if not dataset.folds:
        if any(sample.split for sample in dataset.samples):
            return ["It has an official split; folds are not made."]
        return ["No folds: there is one speaker, so a test by itself would be on who was trained on."]
    told = []
    if dataset.fold_source == "made by speaker":
        told.append(f"No official folds: {dataset.folds} are made, with no speaker in two.")
    elif dataset.fold_source == "made by clip":
        told.append("Speakers are unknown: folds are made by clip, and one person may stand in two of them.")
    elif not by_speaker(dataset):
        told.append(f"Folds come from {dataset.fold_source}; speakers are unknown.")
    else:
        told.append(f"Folds come from {dataset.fold_source}.")
    for side, samples in sides(dataset).items():
        lacking = [label for label, count in by_class(dataset, samples).items() if not count]
        if side.startswith("fold ") and lacking and len(lacking) < len(dataset.labels):
            told.append(f"{side.capitalize()} has no {' and no '.join(lacking)}.")
    return told


def _of_affect(dataset: Dataset) -> list[str]:
    sources = Counter(sample.affect_source for sample in dataset.samples)
    if not sources["class_constant"]:
        return []
    marked = f"Valence and arousal of {sources['class_constant']:,} samples are constants of their class"
    return [f"{marked} (pseudo-labels): agreement with them measures classes, not affect."]


def _lengths(dataset: Dataset, probed: Probed | None) -> Mapping[str, float]:
    """Return the length of each sample where it is known, in seconds: measured, or as a table has it."""
    if probed is not None:
        return probed.lengths_s
    stated = {sample.id: sample.details.get("duration_s", "") for sample in dataset.samples}
    return {name: float(text) for name, text in stated.items() if text.replace(".", "", 1).isdecimal()}


def _of_lengths(dataset: Dataset, lengths_s: Mapping[str, float]) -> list[str]:
    groups: dict[str, list[float]] = defaultdict(list)
    for sample in dataset.samples:
        if sample.id in lengths_s and sample.still is None and len(sample.emotions or {}) == 1:
            groups[next(iter(sample.emotions or {}))].append(lengths_s[sample.id])
    medians = {label: median(values) for label, values in groups.items() if len(values) >= FEW_SAMPLES}
    if len(medians) < 2:  # noqa: PLR2004 - one class has nothing to differ from
        return []
    short, long = min(medians, key=medians.__getitem__), max(medians, key=medians.__getitem__)
    if medians[long] < TELLING_LENGTHS * medians[short]:
        return []
    below = f"half of {short} is below {medians[short]:.1f} s"
    return [f"Lengths give classes away: {below}, and half of {long} above {medians[long]:.1f} s."]


def _of_media(probed: Probed | None) -> list[str]:
    if probed is None:
        return []
    told = []
    if probed.without_sound:
        told.append(
            f"{len(probed.without_sound):,} videos have no sound; their picture alone is used:"
            f" {first(probed.without_sound)}."
        )
    if probed.problems:
        count = len({problem.path for problem in probed.problems})
        noun = "file" if count == 1 else "files"
        told.append(f"{count:,} {noun} cannot be read as they should: mend them, or take them out.")
    return told
