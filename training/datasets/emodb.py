"""EmoDB: 10 German speakers, 10 sentences, seven emotions (Burkhardt et al., Interspeech, 2005)."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from training.datasets.files import AUDIO_SUFFIXES, find_files, inside, usable
from training.datasets.folds import apply_folds, check_labels, given_folds
from training.datasets.layout import Layout, Reading
from training.datasets.options import Options
from training.datasets.problem import Problem
from training.datasets.sample import Sample
from training.datasets.speech_table import has_speech_table, holds_corpus, read_speech_table

NAME = "emodb"
LABELS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "boredom")
# The first letters of the German words: Wut, Langeweile, Ekel, Angst, Freude, Trauer, neutral.
_LETTERS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
_MEN = frozenset({"03", "10", "11", "12", "15"})
_CLIP = re.compile(r"(\d\d)([ab]\d\d)([WLEAFTN])([a-z])")


def read(folder: Path, options: Options) -> Reading:
    """Return the utterances of a folder with ``wav/03a01Fa.wav`` and so on, or with a ``speech.csv``."""
    reading = (
        read_speech_table(folder, NAME, of_clip) if has_speech_table(folder) else _read_published(folder)
    )
    file = given_folds(folder, options, LABELS)
    if file is not None:
        truth = {clip: _LETTERS[clip[5]] for clip in file.folds if _CLIP.fullmatch(clip)}
        reading.problems += check_labels(file, truth, "EmoDB")
        apply_folds(reading, file, _CLIP.fullmatch, "EmoDB")
    return reading


def of_clip(clip: str) -> Sample | None:
    """Return the sample, still without its file, that a name such as ``03a01Fa`` describes; None: no such."""
    match = _CLIP.fullmatch(clip)
    if match is None:
        return None
    speaker, sentence, letter, take = match.groups()
    return Sample(
        id=clip,
        dataset=NAME,
        emotions={_LETTERS[letter]: 1.0},
        label_source="file name",
        speaker=f"{NAME}/{speaker}",
        details={
            "sentence": sentence,
            "take": take,
            "sex": "m" if speaker in _MEN else "f",
            "language": "de",
        },
    )


def _read_published(folder: Path) -> Reading:
    reading = Reading()
    found: dict[str, Path] = {}
    for path in usable(folder, find_files(folder, AUDIO_SUFFIXES), reading.problems):
        place, sample = inside(folder, path), of_clip(path.stem)
        if sample is None:
            message = f"{path.name} is not named as 03a01Fa.wav; it is left out."
            reading.problems.append(Problem("unknown", place, message))
        elif sample.id in found:
            message = f"{place} is there a second time; {inside(folder, found[sample.id])} is used."
            reading.problems.append(Problem("duplicate", place, message))
        else:
            found[sample.id] = path
            reading.samples.append(replace(sample, audio=path))
    return reading


def _recognises(folder: Path, files: list[Path]) -> bool:
    if has_speech_table(folder):
        return holds_corpus(folder, NAME)
    return any(_CLIP.fullmatch(path.stem) and path.suffix.lower() in AUDIO_SUFFIXES for path in files)


LAYOUT = Layout(
    name=NAME,
    title="EmoDB",
    labels=LABELS,
    expects="wav/*.wav, named as 03a01Fa",
    recognises=_recognises,
    read=read,
    aliases=("emo-db", "berlin"),
    clips=535,
)
