"""How far figures move where pictures, crops, clips and sounds are not as they usually are."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.checkpoint import pictures, sounds
from bench.checkpoint.crops import REFRAMES
from bench.checkpoint.figures import comparison_of
from bench.checkpoint.held_out import Voices
from bench.checkpoint.results import Comparison
from bench.checkpoint.subject import Prepared, Subject
from shared.catalog import ModelCard
from tests.media_factory import video
from training.datasets.sample import Sample, Still
from training.evaluation.scored import Scored
from training.features.pictures import read_still
from training.features.sample_features import SampleFeatures
from worker.fusion.layouts import AUDIO, VIDEO
from worker.media.sandbox import no_checkpoint

FRAMES = (8, 20, 60)
# At this size a coded picture is not what is looked at.
_ENLARGED = 4
_NOTE = (
    "Pictures are changed before the face is looked for, crops after it: these are what another analyzer "
    "might cut out. A picture without a face counts as wrong."
)


def compare_pictures(subject: Subject, samples: Sequence[Sample]) -> Comparison:
    """Return how far figures of stills move with each change to the pictures and to the crops."""
    plain = [read_still(each.still, subject.settings, no_checkpoint) for each in samples if each.still]
    scored: dict[str, Scored] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, change) in enumerate(pictures.CHANGES.items()):
            subject.tell(f"stills, {name}")
            stack = Path(folder) / f"{number}.npz"
            np.savez(stack, image=np.stack([change(picture, place) for place, picture in enumerate(plain)]))
            changed = [replace(sample, still=Still(stack, place)) for place, sample in enumerate(samples)]
            scored[name] = subject.score_all(changed, subject.prepare(changed), {VIDEO})
    for name in REFRAMES:
        subject.tell(f"stills, {name}")
        library = Prepared(
            {(each.dataset, each.id): features for each, features in _reframed(subject, samples, name)}
        )
        scored[name] = subject.score_all(samples, library, {VIDEO})
    (first, reference), *_ = scored.items()
    return comparison_of(
        f"{len(samples)} stills of FER2013's private test, changed",
        (first, reference),
        {name: each for name, each in scored.items() if name != first},
        (_NOTE,),
    )


def compare_lengths(subject: Subject, samples: Sequence[Sample]) -> Comparison:
    """Return how far figures of stills move where they are clips of so many frames, coded and decoded."""
    fps = subject.settings.fps
    plain = subject.score_all(samples, subject.prepare(samples), {VIDEO})
    others = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in FRAMES:
            subject.tell(f"clips of {count} frames")
            clips = []
            for sample in samples:
                if sample.still is None:
                    continue
                picture = pictures.resized(
                    read_still(sample.still, subject.settings, no_checkpoint), _ENLARGED
                )
                path = video(Path(folder) / f"{sample.id}-{count}.mp4", frames=[picture] * count, fps=fps)
                clips.append(replace(sample, still=None, video=path))
            others[f"{count} frames"] = subject.score_all(clips, subject.prepare(clips), {VIDEO})
    return comparison_of(
        f"{len(samples)} stills as H.264 clips of {fps:g} frames a second, enlarged by {_ENLARGED}",
        ("one picture", plain),
        others,
    )


def compare_sounds(voices: Voices, samples: Sequence[Sample], seed: int) -> Comparison:
    """Return how far figures of voices move with each change to the sound."""
    scored = {}
    plain = [sounds.read(sample.audio, voices.subject.settings) for sample in samples if sample.audio]
    with tempfile.TemporaryDirectory() as folder:
        for name, change in sounds.CHANGES.items():
            voices.subject.tell(f"voices, {name}")
            changed = []
            for place, (sample, wave) in enumerate(zip(samples, plain, strict=True)):
                other = change.samples(wave, np.random.default_rng([seed, place]))
                path = sounds.write(Path(folder) / sample.id, other, change.coding)
                changed.append(replace(sample, audio=path))
            scored[name] = voices.score(changed, voices.subject.prepare(changed), {AUDIO})
    (first, reference), *_ = scored.items()
    return comparison_of(
        f"{len(samples)} utterances of EmoDB, changed",
        (first, reference),
        {name: each for name, each in scored.items() if name != first},
        (voices.note,),
    )


def _reframed(
    subject: Subject, samples: Sequence[Sample], name: str
) -> Iterator[tuple[Sample, SampleFeatures]]:
    for number, sample in enumerate(samples):

        def features(card: ModelCard, sample: Sample = sample) -> SampleFeatures:
            return subject.features(sample, card)

        yield sample, REFRAMES[name](subject.card, features, number)
