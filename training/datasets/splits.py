"""What is trained on and what is tested: the parts of a data set, and whether a speaker stands in two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from training.datasets.sample import Sample


@dataclass(frozen=True)
class Parts:
    """The samples of one round; a sample is in one part at most."""

    training: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    test: tuple[Sample, ...]


def divide(samples: Sequence[Sample], fold: int | None, *, validation_fold: int | None = None) -> Parts:
    """Return the parts of one round of cross-validation, or of the official split alone.

    Args:
        samples: Of one data set or of a mixture.
        fold: Tested in this round, in addition to the samples with the split ``test``. None: no fold is
            tested, and the samples of all folds are trained on.
        validation_fold: Kept out of training to choose by, beside the split ``validation``; None: none is.

    Raises:
        ValueError: One fold cannot be tested and chosen by.
    """
    if fold is not None and fold == validation_fold:
        message = f"Fold {fold} cannot be tested and chosen by in one round."
        raise ValueError(message)
    parts: dict[str, list[Sample]] = {"train": [], "validation": [], "test": []}
    for sample in samples:
        part: str = sample.split or "train"
        if sample.split is None and sample.fold is not None:
            part = {fold: "test", validation_fold: "validation"}.get(sample.fold, "train")
        parts[part].append(sample)
    return Parts(tuple(parts["train"]), tuple(parts["validation"]), tuple(parts["test"]))


def side_of(sample: Sample) -> str:
    """Return which side of the splits a sample is on: its fold, its official part, or always training."""
    if sample.split is not None:
        return sample.split
    return "train" if sample.fold is None else f"fold {sample.fold}"


def leaking_speakers(samples: Iterable[Sample]) -> list[str]:
    """Return the speakers, sorted, who stand on two sides: some round trains on them and tests them."""
    sides: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        if sample.speaker is not None:
            sides[sample.speaker].add(side_of(sample))
    return sorted(speaker for speaker, found in sides.items() if len(found) > 1)
