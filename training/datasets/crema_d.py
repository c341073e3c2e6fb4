"""CREMA-D: 91 actors say 12 sentences in six emotions (Cao et al., IEEE Trans. Affective Computing, 2014)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from training.datasets.emotions import shared
from training.datasets.files import AUDIO_SUFFIXES, VIDEO_SUFFIXES, find_files, inside, usable
from training.datasets.folds import apply_folds, check_labels, given_folds
from training.datasets.layout import Layout, Reading
from training.datasets.options import Options
from training.datasets.problem import Problem
from training.datasets.sample import Sample
from training.datasets.tables import read_csv

NAME = "crema-d"
LABELS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness")
_CODES = dict(zip(("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"), LABELS, strict=True))
_VOTES = {code[0]: emotion for code, emotion in _CODES.items()}
_CLIP = re.compile(rf"(1\d{{3}})_([A-Z]{{3}})_({'|'.join(_CODES)})_(LO|MD|HI|XX?)")
_INTENTION = "intention"
_VOTE_COLUMNS = {"votes": "MultiModalVote", "face-votes": "FaceVote", "voice-votes": "VoiceVote"}
_BROKEN = {
    "1076_MTI_NEU_XX": "holds a few frames only",
    "1076_MTI_SAD_XX": "is as good as empty",
    "1064_TIE_SAD_XX": "has no readable length",
    "1064_IEO_DIS_MD": "is a whole minute in which every emotion is played",
}
# The sound as recorded before the one that was compressed for the raters.
_SOUND_ORDER = (".wav", ".flac", ".mp3")


def read(folder: Path, options: Options) -> Reading:
    """Return the clips of a folder like the published repository; sound alone where no video is there."""
    reading = Reading()
    videos = _by_clip(folder, VIDEO_SUFFIXES, reading.problems)
    sounds = _by_clip(folder, AUDIO_SUFFIXES, reading.problems)
    file = given_folds(folder, options, LABELS)
    votes = _votes(folder, options.labels_from or _INTENTION)
    named = _named(folder) | videos.keys() | sounds.keys() | (set(file.folds) if file else set())
    clips = sorted(clip for clip in named if _CLIP.fullmatch(clip))
    people = _people(folder)
    for clip in clips:
        if clip in _BROKEN:
            if clip in videos or clip in sounds:
                message = f"{clip} {_BROKEN[clip]}, as is known of it; it is left out."
                reading.problems.append(Problem("broken", None, message))
            continue
        for kind, paths in (("video", videos), ("sound", sounds)):
            # A copy without any video, or without any separate sound, is a choice and not a gap.
            reading.named += bool(paths)
            if paths and clip not in paths:
                reading.problems.append(Problem("missing", None, f"There is no {kind} of {clip}."))
        if clip in videos or clip in sounds:
            reading.samples.append(_sample(clip, videos.get(clip), sounds.get(clip), people))
    if file is not None:
        reading.problems += check_labels(file, {clip: _intention(clip) for clip in clips}, "CREMA-D")
        apply_folds(reading, file, _CLIP.fullmatch, "CREMA-D")
    if votes is not None:
        _vote(reading, votes, options.labels_from or "")
    return reading


def _by_clip(folder: Path, suffixes: frozenset[str], problems: list[Problem]) -> dict[str, Path]:
    """Return clip -> file; of a clip's sounds the best one."""
    found: dict[str, Path] = {}
    paths = [path for path in find_files(folder, suffixes) if _CLIP.fullmatch(path.stem)]
    for path in sorted(usable(folder, paths, problems), key=_rank):
        clip = path.stem
        if clip.endswith("_X"):
            clip += "X"
            problems.append(
                Problem("misnamed", inside(folder, path), f"{path.name} is read as {clip}{path.suffix}.")
            )
        kept = found.setdefault(clip, path)
        if kept != path and kept.suffix.lower() == path.suffix.lower():
            message = f"{inside(folder, path)} is there a second time; {inside(folder, kept)} is used."
            problems.append(Problem("duplicate", inside(folder, path), message))
    return found


def _rank(path: Path) -> tuple[int, Path]:
    suffix = path.suffix.lower()
    return (_SOUND_ORDER.index(suffix) if suffix in _SOUND_ORDER else len(_SOUND_ORDER), path)


def _sample(
    clip: str, video: Path | None, sound: Path | None, people: Mapping[str, dict[str, str]]
) -> Sample:
    actor, sentence, _, level = clip.split("_")
    return Sample(
        id=clip,
        dataset=NAME,
        video=video,
        audio=sound,
        emotions={_intention(clip): 1.0},
        label_source="file name",
        speaker=f"{NAME}/{actor}",
        details={"sentence": sentence, "level": level, "language": "en", **people.get(actor, {})},
    )


def _intention(clip: str) -> str:
    return _CODES[clip.split("_")[2]]


def _table(folder: Path, name: str) -> Path | None:
    """Return a table of the repository, wherever it lies below the folder."""
    return next((path for path in find_files(folder, {".csv"}) if path.name == name), None)


def _named(folder: Path) -> set[str]:
    """Return the clips that the repository's lists name; empty without one."""
    listing, summary = _table(folder, "SentenceFilenames.csv"), _table(folder, "summaryTable.csv")
    if listing is not None:
        return {row["Filename"] for row in read_csv(listing, ("Filename",))}
    return set() if summary is None else {row["FileName"] for row in read_csv(summary, ("FileName",))}


def _people(folder: Path) -> dict[str, dict[str, str]]:
    """Return actor -> age and sex, where the repository's table of them is there."""
    table = _table(folder, "VideoDemographics.csv")
    if table is None:
        return {}
    rows = read_csv(table, ("ActorID", "Age", "Sex"))
    return {row["ActorID"]: {"age": row["Age"], "sex": row["Sex"].lower()[:1]} for row in rows}


def _votes(folder: Path, source: str) -> dict[str, str] | None:
    """Return clip -> letters of the emotions with the most votes; None where the intention counts."""
    if source == _INTENTION:
        return None
    table, column = _table(folder, "summaryTable.csv"), _VOTE_COLUMNS[source]
    rows = read_csv(table or folder / "processedResults" / "summaryTable.csv", ("FileName", column))
    return {row["FileName"]: row[column] for row in rows}


def _vote(reading: Reading, votes: Mapping[str, str], source: str) -> None:
    """Put the crowd's labels in the place of the intended ones; ties share."""
    labelled = []
    for sample in reading.samples:
        letters = votes.get(sample.id, "").split(":")
        emotions = [_VOTES[letter] for letter in letters if letter in _VOTES]
        if len(emotions) != len(letters):
            message = f"{sample.id} has no {source} in summaryTable.csv; it is left out."
            reading.problems.append(Problem("unlabelled", None, message))
            continue
        if len(emotions) > 1:
            message = f"{sample.id} has as many votes for {' as for '.join(emotions)}; they share."
            reading.problems.append(Problem("tie", None, message))
        labelled.append(replace(sample, emotions=shared(emotions), label_source=f"crowd votes ({source})"))
    reading.samples = labelled


def _recognises(_: Path, files: list[Path]) -> bool:
    media = VIDEO_SUFFIXES | AUDIO_SUFFIXES
    return any(_CLIP.fullmatch(path.stem) and path.suffix.lower() in media for path in files)


LAYOUT = Layout(
    name=NAME,
    title="CREMA-D",
    labels=LABELS,
    expects="VideoFlash/*.flv or AudioWAV/*.wav, named as 1001_IEO_ANG_HI",
    recognises=_recognises,
    read=read,
    aliases=("cremad", "crema_d", "crema"),
    options=frozenset({"fold_file"}),
    label_sources=(_INTENTION, *_VOTE_COLUMNS),
    clips=7442,
)
