"""Several data sets as one: one label space, a weight for each, and no speaker on both sides of a split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from training.datasets.dataset import Dataset
from training.datasets.emotions import BASIC, EMOTIONS, in_order
from training.datasets.folds import make_folds
from training.datasets.problem import Problem
from training.datasets.sample import Sample
from training.datasets.splits import leaking_speakers
from training.datasets.tables import first, invalid

NAME = "mixed"

MERGED: Mapping[str, str] = {
    "calm": "neutral",
    "anxiety": "fear",
    "helplessness": "sadness",
    "disappointment": "sadness",
}
"""Where an emotion goes that is not one of the labels. Others (boredom, contempt) are left out."""

LEAST_SHARE = 0.5
"""Share of a label that must remain for its sample to be used; the rest is spread over what remains."""


@dataclass(frozen=True)
class Mixed(Dataset):
    """Several data sets as one; each sample keeps its own ``dataset`` and ``id``, and the pair is unique.

    Attributes:
        weights: One for each sample, in their order; 1 on average: how often to draw it in training.
    """

    weights: tuple[float, ...] = ()


def mix(
    datasets: Sequence[Dataset],
    weights: Mapping[str, float] | None = None,
    labels: Sequence[str] | None = None,
    folds: int = 5,
    *,
    merged: Mapping[str, str] = MERGED,
) -> Mixed:
    """Return data sets as one.

    Folds that the data sets bring are kept where all of them have ``folds`` folds and no speaker stands in
    two; otherwise they are made anew by speaker, over all data sets. Clips of unknown speakers stay
    together as their own folds had them. Official splits stay.

    Args:
        datasets: Two or more with different names, or one.
        weights: Data set -> its share of what is drawn in training, relative to the others. None: each
            sample is drawn as often as any other.
        labels: The classes; None: those of the seven basic ones that some data set has.
        folds: How many folds.
        merged: Emotion -> the label it counts as, where it is none itself.

    Raises:
        AvemotionError: ``INVALID_DATASET``: two data sets have one name, a weight or a label is not one,
            nothing remains of a data set, or a speaker stands on both sides of an official split.
    """
    _check(datasets, weights, labels)
    space = (
        tuple(labels) if labels else in_order({*BASIC} & {name for one in datasets for name in one.labels})
    )
    problems = [problem for one in datasets for problem in one.problems]
    samples: list[Sample] = []
    for one in datasets:
        translated = [_translated(sample, space, merged) for sample in one.samples]
        kept = [sample for sample in translated if sample is not None]
        if not kept:
            raise invalid(f"No sample of {one.name} has one of the labels {', '.join(space)}.")
        if len(kept) < len(translated):
            message = (
                f"{len(translated) - len(kept):,} of {len(translated):,} samples of {one.name} have"
                " an emotion outside the label space; they are left out."
            )
            problems.append(Problem("unlabelled", None, message))
        samples += kept
    keeps = {one.folds for one in datasets if one.folds} <= {folds} and not leaking_speakers(samples)
    settled = samples if keeps and _all_sided(samples) else _with_new_folds(samples, folds)
    leaks = leaking_speakers(settled)
    if leaks:
        raise invalid(f"{first(leaks)}: on both sides of an official split, so nothing can be tested fairly.")
    count = max((sample.fold or 0 for sample in settled), default=0)
    source = "the data sets" if settled is samples else "made by speaker"
    return Mixed(
        name=NAME,
        folder=datasets[0].folder,
        labels=space,
        samples=tuple(settled),
        folds=count,
        problems=tuple(problem for problem in problems if problem.code != "leak"),
        fold_source=source if count else "",
        weights=_weights(settled, weights),
    )


def _check(
    datasets: Sequence[Dataset], weights: Mapping[str, float] | None, labels: Sequence[str] | None
) -> None:
    names = [one.name for one in datasets]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if not names or twice:
        raise invalid(f"Two data sets are called {twice[0]}." if twice else "There is no data set to mix.")
    if weights is not None and (weights.keys() != set(names) or min(weights.values()) <= 0):
        raise invalid(f"Weights are numbers above 0, one for each of {', '.join(names)}.")
    strange = [label for label in labels or () if label not in EMOTIONS]
    if strange or len(set(labels or ())) != len(labels or ()):
        raise invalid(
            f"The labels {', '.join(labels or ())} should be different ones of {', '.join(EMOTIONS)}."
        )


def _translated(sample: Sample, space: Sequence[str], merged: Mapping[str, str]) -> Sample | None:
    """Return a sample in the label space; None where too little of its label is in it."""
    if sample.emotions is None:
        return sample
    shares: dict[str, float] = {}
    for emotion, share in sample.emotions.items():
        label = emotion if emotion in space else merged.get(emotion, "")
        if label in space:
            shares[label] = shares.get(label, 0) + share
    total = sum(shares.values())
    if total < LEAST_SHARE:
        return None
    return replace(sample, emotions={label: share / total for label, share in shares.items()})


def _all_sided(samples: Sequence[Sample]) -> bool:
    """Whether each sample has a fold or a split: one without would never be tested."""
    return all(sample.fold is not None or sample.split is not None for sample in samples)


def _with_new_folds(samples: Sequence[Sample], folds: int) -> list[Sample]:
    """Return the samples with folds by speaker; a split stays, and puts its speakers' other samples there."""
    sides = {sample.speaker: sample.split for sample in samples if sample.speaker and sample.split}
    placed = [
        replace(sample, fold=None, split=sample.split or sides.get(sample.speaker or ""))
        for sample in samples
    ]
    # Clips of unknown speakers that shared a fold may show the same people: they move as one.
    grouped = [
        sample
        if sample.speaker or before.fold is None
        else replace(sample, speaker=f"{sample.dataset}//fold {before.fold}")
        for sample, before in zip(placed, samples, strict=True)
        if sample.split is None
    ]
    made = make_folds(grouped, folds)
    return [replace(sample, fold=made.get((sample.dataset, sample.id))) for sample in placed]


def _weights(samples: Sequence[Sample], weights: Mapping[str, float] | None) -> tuple[float, ...]:
    """Return how often to draw each sample: 1 on average."""
    if weights is None:
        return (1.0,) * len(samples)
    sizes = Counter(sample.dataset for sample in samples)
    total = sum(weights.values())
    return tuple(weights[sample.dataset] / total * len(samples) / sizes[sample.dataset] for sample in samples)
