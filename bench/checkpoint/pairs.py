"""Clips made of one person's face and another's voice: whether hearing a voice helps, or harms.

No clips with face and voice are at hand that a model could be tested on; these have a still for a face, which
stands for as long as the voice speaks.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.checkpoint import sounds
from bench.checkpoint.figures import comparison_of, label_of, mean_of
from bench.checkpoint.held_out import Voices
from bench.checkpoint.results import Comparison
from bench.checkpoint.subject import Prepared
from training.datasets.sample import Sample
from training.features.sample_features import SampleFeatures
from training.fitting.examples import Library
from worker.fusion import Seen
from worker.fusion.layouts import AUDIO, VIDEO

# A quiet room, and one with a fan: sound in which nobody speaks.
ROOM_DB, FAN_DB = -55.0, -35.0
_SOUND_S = 2.0


@dataclass(frozen=True)
class Pair:
    """A face with a voice.

    Attributes:
        face: A still; the pair's label is its.
        voice: Of the same class.
        other: A voice of another class by a speaker that the same model has not heard.
    """

    face: Sample
    voice: Sample
    other: Sample


def draw_pairs(faces: Sequence[Sample], voices: Sequence[Sample], count: int, seed: int) -> list[Pair]:
    """Return pairs, about as many of each class that has faces and voices; no face stands in two.

    Args:
        faces: Stills with a label.
        voices: Sounds with a label and a speaker.
        count: How many; fewer where a class has not enough faces.
        seed: The same seed draws the same pairs.
    """
    generator = np.random.default_rng(seed)
    faces_of, voices_of = _by_label(faces), _by_label(voices)
    labels = sorted(set(faces_of) & set(voices_of))
    pairs = []
    for label in labels:
        chosen = _drawn(generator, faces_of[label])[: -(-count // len(labels))]
        for place, face in enumerate(chosen):
            spoken = voices_of[label]
            if place % len(spoken) == 0:
                # Each voice once before any a second time.
                spoken[:] = _drawn(generator, spoken)
            voice = spoken[place % len(spoken)]
            rivals = [each for each in voices if label_of(each) != label and each.speaker == voice.speaker]
            rivals = rivals or [each for each in voices if label_of(each) != label]
            pairs.append(Pair(face, voice, rivals[generator.integers(len(rivals))]))
    return [pairs[place] for place in sorted(generator.permutation(len(pairs))[:count].tolist())]


def joined(face: SampleFeatures, voice: SampleFeatures) -> SampleFeatures:
    """Return a clip in which a still stands as long as a voice speaks."""
    parts = tuple(_joined(face, part) for part in voice.segments)
    return replace(parts[0], further=parts[1:])


def compare_pairs(voices: Voices, pairs: Sequence[Pair], faces: Library, spoken: Library) -> Comparison:
    """Return how fusion does beside its own face branch.

    Args:
        voices: Who judges, by the speaker of a pair's voice.
        pairs: Faces and voices.
        faces: Features of the faces.
        spoken: Features of the voices.
    """
    clips = [replace(pair.face, speaker=pair.voice.speaker) for pair in pairs]
    seen = [faces.features(pair.face) for pair in pairs]
    heard = {
        "same": [spoken.features(pair.voice) for pair in pairs],
        "other": [spoken.features(pair.other) for pair in pairs],
        **{name: [features] * len(pairs) for name, features in _without_voice(voices).items()},
    }
    libraries = {
        name: Prepared(
            {
                (clip.dataset, clip.id): joined(face, sound)
                for clip, face, sound in zip(clips, seen, found, strict=True)
            }
        )
        for name, found in heard.items()
    }
    face = voices.score(clips, libraries["same"], {VIDEO})
    voice = voices.score(clips, libraries["same"], {AUDIO})
    others = {
        "face and voice of its class": voices.score(clips, libraries["same"]),
        "voice alone": voice,
        "mean of face alone and voice alone": mean_of(face, voice),
        "face and voice of another class": voices.score(clips, libraries["other"]),
        **{
            f"face and {name}": voices.score(clips, libraries[name])
            for name in heard
            if name not in {"same", "other"}
        },
    }
    return comparison_of(
        f"{len(pairs)} pairs of a still of FER2013's private test and a voice of EmoDB or RAVDESS",
        ("face alone", face),
        others,
        (
            "Face and voice are of different people, and agree in class alone; the label is the face's.",
            voices.note,
        ),
    )


def _without_voice(voices: Voices) -> Mapping[str, SampleFeatures]:
    """Return features of sounds in which nobody speaks."""
    levels = {"silence": -np.inf, f"a quiet room ({ROOM_DB:g} dB)": ROOM_DB, f"a fan ({FAN_DB:g} dB)": FAN_DB}
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, level_db) in enumerate(levels.items()):
            wave = sounds.white(_SOUND_S, level_db, np.random.default_rng(number))
            path = sounds.write(Path(folder) / str(number), wave)
            found[name] = voices.subject.features(Sample(id=str(number), dataset="sounds", audio=path))
    return found


def _joined(face: SampleFeatures, voice: SampleFeatures) -> SampleFeatures:
    """Return a segment of a voice with a still in each of its windows."""
    count = len(voice.windows)
    series = face.seen.series
    seen = Seen(
        face.seen.crops,
        face.seen.found,
        np.repeat(face.seen.rows[:1], count, axis=0),
        None if series is None else np.repeat(series[:1], count, axis=0),
    )
    return replace(voice, seen=seen, table=None, further=())


def _by_label(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        found[label_of(sample)].append(sample)
    return found


def _drawn(generator: np.random.Generator, samples: Sequence[Sample]) -> list[Sample]:
    order: NDArray[np.int64] = generator.permutation(len(samples))
    return [samples[place] for place in order.tolist()]
