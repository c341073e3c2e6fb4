"""Stills of a data set with an official split, each as a clip in which nothing moves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.checkpoint.figures import label_of, telling_of
from bench.checkpoint.results import Stills
from shared.errors import AvemotionError, ErrorCode
from training.datasets.dataset import read_dataset
from training.datasets.sample import Sample
from training.evaluation.scored import Scored
from training.evaluation.telling import rates_of
from training.fitting.scoring import Scores

DATASET = "fer2013"


def private_test(folder: Path, labels: Sequence[str]) -> tuple[Sample, ...]:
    """Return the pictures that FER2013's private test has of a model's labels.

    Raises:
        AvemotionError: ``INVALID_DATASET``: they are not there.
    """
    samples = read_dataset(DATASET, folder).samples
    found = tuple(sample for sample in samples if sample.split == "test" and label_of(sample) in labels)
    if not found:
        raise AvemotionError(
            ErrorCode.INVALID_DATASET, f"{folder} has no test pictures of {', '.join(labels)}."
        )
    return found


def some_of(samples: Sequence[Sample], count: int, seed: int) -> tuple[Sample, ...]:
    """Return at most so many samples, drawn at random, in their order."""
    drawn = np.random.default_rng(seed).permutation(len(samples))[:count]
    return tuple(samples[place] for place in sorted(drawn.tolist()))


def stills_of(scores: Scores, everything: Scored) -> Stills:
    """Return the figures of what was said of pictures."""
    return Stills(
        data="FER2013, private test",
        pictures=len(everything),
        without_face=len(scores.unscored),
        all_pictures=rates_of(everything),
        with_face=telling_of(scores.scored),
    )
