"""Made-up scores, as a model might give them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import settings

from training.evaluation.scored import Scored

# How long an example takes says nothing of what is tested.
untimed = settings(deadline=None)

# Of as many samples as are made unless more are asked for.
UNKNOWN = [None] * 280
LABELS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


def make_scored(  # noqa: PLR0913 - each is a knob of a test
    *,
    labels: tuple[str, ...] = LABELS,
    people: int = 20,
    per_person: int = 14,
    folds: int = 5,
    signal: float = 1.5,
    seed: int = 0,
    **columns: Any,
) -> Scored:
    """Return scores of speakers who show each emotion equally often; some are easier than others.

    Args:
        labels: Emotions.
        people: Number of speakers.
        per_person: Samples of each.
        folds: Number of folds, without a speaker in two.
        signal: How much the true label's logit stands out; 0 is chance.
        seed: Seed of all of it.
        columns: What is to be different.
    """
    generator = np.random.default_rng(seed)
    count = people * per_person
    person = np.repeat(np.arange(people), per_person)
    truth = np.tile(np.arange(per_person) % len(labels), people)
    ease = signal + generator.normal(0, 0.5, people)[person]
    logits = generator.normal(0, 1, (count, len(labels)))
    logits[np.arange(count), truth] += ease
    made = {
        "labels": labels,
        "samples": [f"clip{row:04}" for row in range(count)],
        "datasets": ["made-up"] * count,
        "speakers": [f"made-up/{number:02}" for number in person],
        "folds": person % folds + 1,
        "truth": truth,
        "logits": logits,
        "affect_sources": [None] * count,
        **{name: np.full(count, np.nan) for name in ("valence", "arousal", "true_valence", "true_arousal")},
    }
    return Scored(**(made | columns))


def with_affect(scored: Scored, source: str, seed: int = 0) -> dict[str, Any]:
    """Return columns of predicted and true valence and arousal of a source."""
    generator = np.random.default_rng(seed)
    true = generator.uniform(-0.8, 0.8, (2, len(scored)))
    predicted = np.clip(0.7 * true + generator.normal(0, 0.2, true.shape), -1, 1)
    return {
        "true_valence": true[0],
        "true_arousal": true[1],
        "valence": predicted[0],
        "arousal": predicted[1],
        "affect_sources": [source] * len(scored),
    }
