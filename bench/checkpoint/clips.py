"""Real clips of faces with voices: what the checkpoint says of each."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.checkpoint.figures import label_of
from bench.checkpoint.results import ClipRow, Clips
from bench.checkpoint.subject import Subject
from shared.errors import AvemotionError, ErrorCode
from training.datasets.emotions import emotion_of
from training.datasets.files import VIDEO_SUFFIXES
from training.datasets.sample import Sample
from training.evaluation.scored import Scored
from worker.fusion.layouts import AUDIO, VIDEO

SHOWN: Mapping[str, frozenset[int]] = {
    "face and voice": frozenset({AUDIO, VIDEO}),
    "face alone": frozenset({VIDEO}),
    "voice alone": frozenset({AUDIO}),
}
# GRID's sentences are commands, read without emotion.
_GRID = re.compile(r"grid_.*")
_FOLDER = "clips"


def read_clips(data: Path) -> list[Sample]:
    """Return the clips of a folder of data, labelled where their names tell.

    Raises:
        AvemotionError: ``INVALID_DATASET``: there is none.
    """
    folder = data / _FOLDER
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
    if not paths:
        raise AvemotionError(ErrorCode.INVALID_DATASET, f"{folder} holds no clip.")
    return [_sample(path) for path in paths]


def emotion_in(name: str) -> str | None:
    """Return the emotion that a clip's name tells: its last word, or that its data set is read neutrally."""
    return "neutral" if _GRID.fullmatch(name) else emotion_of(name.rpartition("_")[2])


def say_of(subject: Subject, samples: Sequence[Sample]) -> Clips:
    """Return what the model says of clips, by what it is shown of them."""
    library = subject.prepare(samples)
    said: dict[str, dict[str, Scored]] = {name: {} for name in SHOWN}
    for name, modalities in SHOWN.items():
        for sample in samples:
            scored = subject.score([sample], library, modalities).scored
            if len(scored):
                said[name][sample.id] = scored
    rows = tuple(_row(sample, said) for sample in samples)
    return Clips(
        rows=rows,
        labelled=sum(row.truth is not None for row in rows),
        right={
            name: sum(row.truth is not None and row.said[name] == row.truth for row in rows) for name in SHOWN
        },
    )


def _sample(path: Path) -> Sample:
    emotion = emotion_in(path.stem)
    return Sample(
        id=path.stem, dataset=_FOLDER, video=path, emotions=None if emotion is None else {emotion: 1.0}
    )


def _row(sample: Sample, said: Mapping[str, Mapping[str, Scored]]) -> ClipRow:
    emotions: dict[str, str | None] = {}
    # Logits are logarithms of served probabilities.
    confidence: dict[str, float | None] = {}
    for name, by_id in said.items():
        scored = by_id.get(sample.id)
        emotions[name] = None if scored is None else scored.labels[int(scored.logits[0].argmax())]
        confidence[name] = None if scored is None else math.exp(float(scored.logits[0].max()))
    return ClipRow(
        clip=sample.id,
        truth=None if sample.emotions is None else label_of(sample),
        said=emotions,
        confidence=confidence,
    )
