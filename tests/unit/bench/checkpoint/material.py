"""Scores and features that tests of the bench need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.datasets.sample import Sample, Still
from training.evaluation.scored import Scored
from training.features.sample_features import SampleFeatures
from training.fitting.scoring import Scores
from worker.audio.features import extract
from worker.fusion import Seen
from worker.windows import Window

LABELS = ("anger", "happiness", "neutral")


def face(name: str, emotion: str) -> Sample:
    return Sample(id=name, dataset="fer2013", still=Still(Path("faces.npz"), 0), emotions={emotion: 1.0})


def voice(name: str, emotion: str, speaker: str) -> Sample:
    return Sample(
        id=name,
        dataset="emodb",
        audio=Path(f"{name}.wav"),
        emotions={emotion: 1.0},
        speaker=f"emodb/{speaker}",
    )


def scores_of(samples: Sequence[Sample], said: Sequence[Sequence[float] | None]) -> Scores:
    """Return scores with these probabilities; None is a sample of which nothing was said."""
    found = [(sample, row) for sample, row in zip(samples, said, strict=True) if row is not None]
    unknown = np.full(len(found), np.nan, np.float32)
    scored = Scored(
        labels=LABELS,
        samples=tuple(sample.id for sample, _ in found),
        datasets=tuple(sample.dataset for sample, _ in found),
        speakers=tuple(sample.speaker for sample, _ in found),
        folds=np.zeros(len(found), np.int64),
        truth=np.array([LABELS.index(next(iter(sample.emotions or {}))) for sample, _ in found], np.int64),
        logits=np.log(np.array([row for _, row in found], np.float32)).reshape(-1, len(LABELS)),
        valence=unknown,
        arousal=unknown,
        true_valence=unknown,
        true_arousal=unknown,
        affect_sources=(None,) * len(found),
    )
    missed = tuple(f"{s.dataset}/{s.id}" for s, row in zip(samples, said, strict=True) if row is None)
    return Scores(scored, missed)


def still_features(side: int = 4, frames: int = 8) -> SampleFeatures:
    """Return features of a still that shows a face."""
    series = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    crops = np.full((1, side, side, 3), 7, np.uint8)
    seen = Seen(crops, np.array([True]), np.zeros((1, frames), np.int64), series)
    return SampleFeatures((Window(0, 0.0, 2.0),), seen, None, np.zeros(1, np.float32), silent=True)


def voice_features(windows: int, frames: int = 8) -> SampleFeatures:
    """Return features of a sound with a voice in each window."""
    spans = tuple(Window(number, 2.0 * number, 2.0 * number + 2) for number in range(windows))
    nothing = Seen(
        np.zeros((0, 4, 4, 3), np.uint8), np.zeros(0, np.bool_), np.full((windows, frames), -1, np.int64)
    )
    sound = extract(np.random.default_rng(0).normal(0, 0.1, 32_000 * windows))
    return SampleFeatures(spans, nothing, sound, np.ones(windows, np.float32), silent=False)
