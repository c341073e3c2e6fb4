"""RAVDESS: 24 actors speak (and sing) two sentences in eight emotions (Livingstone and Russo, 2018)."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from pathlib import Path

from training.datasets.files import AUDIO_SUFFIXES, VIDEO_SUFFIXES, find_files, inside, usable
from training.datasets.folds import apply_folds, check_labels, given_folds
from training.datasets.layout import Layout, Reading
from training.datasets.options import Options
from training.datasets.problem import Problem
from training.datasets.sample import Sample
from training.datasets.speech_table import has_speech_table, holds_corpus, read_speech_table

NAME = "ravdess"
LABELS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise", "calm")
_EMOTIONS = dict(
    zip(
        ("01", "02", "03", "04", "05", "06", "07", "08"),
        ("neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise"),
        strict=True,
    )
)
_SPEECH = "01"
_AUDIOVISUAL, _PICTURES, _SOUND = "01", "02", "03"
_FILE = re.compile(r"(0[123])-(0[12]-0[1-8]-0[12]-0[12]-0[12]-\d\d)")
_CLIP = re.compile(r"(0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-(\d\d)")
_ACTOR = re.compile(r"actor[ _-]?(\d+)", re.IGNORECASE)


def read(folder: Path, options: Options) -> Reading:
    """Return the takes of a folder; the picture of a take and its sound are one sample."""
    if has_speech_table(folder):
        reading = read_speech_table(folder, NAME, _of_file)
    else:
        reading = _read_published(folder, songs=options.songs)
    file = given_folds(folder, options, LABELS)
    if file is not None:
        truth = {clip: _EMOTIONS[clip[3:5]] for clip in file.folds if _CLIP.fullmatch(clip)}
        reading.problems += check_labels(file, truth, "RAVDESS")
        apply_folds(reading, file, _CLIP.fullmatch, "RAVDESS")
    return reading


def of_clip(clip: str) -> Sample:
    """Return the sample, still without files, of a name such as ``01-05-02-01-01-12``: no modality before."""
    channel, emotion, intensity, sentence, take, actor = clip.split("-")
    return Sample(
        id=clip,
        dataset=NAME,
        emotions={_EMOTIONS[emotion]: 1.0},
        label_source="file name",
        speaker=f"{NAME}/{actor}",
        details={
            "channel": "speech" if channel == _SPEECH else "song",
            "level": "normal" if intensity == "01" else "strong",
            "sentence": sentence,
            "take": take,
            "sex": "m" if int(actor) % 2 else "f",
            "language": "en",
        },
    )


def _of_file(stem: str) -> Sample | None:
    match = _FILE.fullmatch(stem)
    return of_clip(match[2]) if match else None


def _read_published(folder: Path, *, songs: bool) -> Reading:
    reading = Reading()
    takes: dict[str, dict[str, Path]] = {}
    paths = find_files(folder, VIDEO_SUFFIXES | AUDIO_SUFFIXES)
    for path in usable(folder, paths, reading.problems):
        place, match = inside(folder, path), _FILE.fullmatch(path.stem)
        if match is None:
            message = f"{path.name} is not named as 01-01-05-02-01-01-12.mp4; it is left out."
            reading.problems.append(Problem("unknown", place, message))
            continue
        modality, clip = match.groups()
        if not (songs or clip.startswith(_SPEECH)):
            continue
        kept = takes.setdefault(clip, {}).setdefault(modality, path)
        if kept != path:
            message = f"{place} is there a second time; {inside(folder, kept)} is used."
            reading.problems.append(Problem("duplicate", place, message))
            continue
        above = _ACTOR.fullmatch(path.parent.name)
        if above and int(above[1]) != int(clip[-2:]):
            message = f"{path.name} lies in {path.parent.name}; its name counts."
            reading.problems.append(Problem("misnamed", place, message))
    for clip, files in sorted(takes.items()):
        video = files.get(_AUDIOVISUAL) or files.get(_PICTURES)
        reading.samples.append(replace(of_clip(clip), video=video, audio=files.get(_SOUND)))
    _note_gaps(reading, takes)
    return reading


def _note_gaps(reading: Reading, takes: dict[str, dict[str, Path]]) -> None:
    """Add what is missing of the speech of the actors that are there."""
    kinds = {
        "video": {_AUDIOVISUAL, _PICTURES},
        "sound": {_AUDIOVISUAL, _SOUND},
    }
    wanted = {
        kind: sorted({clip[-2:] for clip, files in takes.items() if modalities & files.keys()})
        for kind, modalities in kinds.items()
    }
    for kind, actors in wanted.items():
        for actor, clip in product(actors, _spoken()):
            reading.named += 1
            if not kinds[kind] & takes.get(f"{clip}-{actor}", {}).keys():
                message = f"There is no {kind} of {clip}-{actor}."
                reading.problems.append(Problem("missing", None, message))


def _spoken() -> list[str]:
    """Return what each actor says: 60 takes; neutral has no strong ones."""
    return [
        f"{_SPEECH}-{emotion}-{intensity}-{sentence}-{take}"
        for emotion, intensity, sentence, take in product(_EMOTIONS, *[("01", "02")] * 3)
        if (emotion, intensity) != ("01", "02")
    ]


def _recognises(folder: Path, files: list[Path]) -> bool:
    if has_speech_table(folder):
        return holds_corpus(folder, NAME)
    return any(_FILE.fullmatch(path.stem) for path in files)


LAYOUT = Layout(
    name=NAME,
    title="RAVDESS",
    labels=LABELS,
    expects="Actor_01/*.mp4 or *.wav, named as 01-01-05-02-01-01-12",
    recognises=_recognises,
    read=read,
    options=frozenset({"fold_file", "songs"}),
    clips=1440,
)
