"""The emotions that data sets name, how they spell them, and the numbers that the field gives each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from training.datasets.sample import Sample

BASIC = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""The classes that most data sets share."""

EMOTIONS = (
    *BASIC,
    *("contempt", "anxiety", "helplessness", "disappointment", "boredom", "calm"),
)
"""Every class that a data set here can have; the order of ``Dataset.labels``. MAFW's are the first eleven."""

_SPELLINGS = {
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
    "anxious": "anxiety",
    "helpless": "helplessness",
    "disappointed": "disappointment",
    "bored": "boredom",
    "contemptuous": "contempt",
}

AFFECT: Mapping[str, tuple[float, float]] = {
    "anger": (-0.6, 0.8),
    "disgust": (-0.6, 0.6),
    "fear": (-0.6, 0.9),
    "happiness": (0.8, 0.7),
    "neutral": (0.0, 0.0),
    "sadness": (-0.7, -0.4),
    "surprise": (0.4, 0.9),
}
"""Valence and arousal of a class, as earlier work assigns them; constants, so pseudo-labels for a clip."""


def emotion_of(word: str) -> str | None:
    """Return the emotion that a word names, in whatever case and form; None if it names none."""
    plain = word.strip().lower()
    plain = _SPELLINGS.get(plain, plain)
    return plain if plain in EMOTIONS else None


def shared(emotions: Iterable[str]) -> dict[str, float]:
    """Return equal shares for the emotions of a tie or a compound: they sum to 1."""
    found = tuple(dict.fromkeys(emotions))
    return {emotion: 1 / len(found) for emotion in found}


def in_order(emotions: Iterable[str]) -> tuple[str, ...]:
    """Return each emotion once, in the order of ``EMOTIONS``."""
    found = set(emotions)
    return tuple(emotion for emotion in EMOTIONS if emotion in found)


def counted(samples: Iterable[Sample]) -> dict[str, float]:
    """Return how many samples each emotion has, in the order of ``EMOTIONS``; shares count as shares."""
    counts: dict[str, float] = dict.fromkeys(EMOTIONS, 0.0)
    for sample in samples:
        for emotion, share in (sample.emotions or {}).items():
            counts[emotion] += share
    return {emotion: count for emotion, count in counts.items() if count}


def class_affect(emotions: Mapping[str, float] | None) -> tuple[float, float] | None:
    """Return valence and arousal of a label, mixed by share; None where a class of it has none."""
    if not emotions or not emotions.keys() <= AFFECT.keys():
        return None
    valence = sum(share * AFFECT[emotion][0] for emotion, share in emotions.items())
    arousal = sum(share * AFFECT[emotion][1] for emotion, share in emotions.items())
    return round(valence, 6), round(arousal, 6)
