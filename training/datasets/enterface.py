"""eNTERFACE'05: 44 subjects, six emotions and no neutral (Martin et al., ICDE Workshops, 2006)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from training.datasets.emotions import emotion_of
from training.datasets.files import VIDEO_SUFFIXES, find_files, inside, usable
from training.datasets.folds import apply_folds, check_labels, given_folds
from training.datasets.layout import Layout, Reading
from training.datasets.options import Options
from training.datasets.problem import Problem
from training.datasets.sample import Sample

NAME = "enterface"
LABELS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
SENTENCES = 5
_SUBJECT = re.compile(r"subject[ _-]*(\d+)", re.IGNORECASE)
_SENTENCE = re.compile(r"sentence[ _-]*(\d)", re.IGNORECASE)
# "s16_su_3avi" and "s_3_an_1" exist, and subject 6's clips have no number at the end.
_FILE = re.compile(r"s_?(\d+)_([a-z]{2})(?:_?(\d))?(?:avi)?", re.IGNORECASE)
_CLIP = re.compile(rf"s\d\d-({'|'.join(LABELS)})(-\d)?")


class Place(NamedTuple):
    """What the folders above a clip say: subject, emotion and sentence; None where they do not."""

    subject: int
    emotion: str
    sentence: int | None

    @property
    def clip(self) -> str:
        """The clip's id."""
        end = "" if self.sentence is None else f"-{self.sentence}"
        return f"s{self.subject:02d}-{self.emotion}{end}"


def read(folder: Path, options: Options) -> Reading:
    """Return the clips of a folder; the folders say what they are, whatever their files are called."""
    reading = Reading()
    found: dict[str, Path] = {}
    for path in usable(folder, find_files(folder, VIDEO_SUFFIXES), reading.problems):
        place = place_of(path.relative_to(folder))
        if place is None:
            message = f"{inside(folder, path)} lies in no folder of a subject and an emotion; it is left out."
            reading.problems.append(Problem("unknown", inside(folder, path), message))
            continue
        if place.clip in found:
            message = f"{inside(folder, path)} is {place.clip} again; {found[place.clip].name} is used."
            reading.problems.append(Problem("duplicate", inside(folder, path), message))
            continue
        found[place.clip] = path
        reading.problems += _misnamed(place, path, folder)
        reading.samples.append(_sample(place, path))
    _note_gaps(reading)
    file = given_folds(folder, options, LABELS)
    if file is not None:
        truth = {clip: clip.split("-")[1] for clip in file.folds if _CLIP.fullmatch(clip)}
        reading.problems += check_labels(file, truth, "eNTERFACE'05")
        apply_folds(reading, file, _CLIP.fullmatch, "eNTERFACE'05")
    return reading


def place_of(path: Path) -> Place | None:
    """Return what a path below the data set's folder says; None without a subject and an emotion.

    The sentence is that of its folder. Where there is none it is that of the file's name, if it has one.
    """
    subject: int | None = None
    emotion: str | None = None
    sentence: int | None = None
    for part in path.parts[:-1]:
        if match := _SUBJECT.fullmatch(part.strip()):
            subject = int(match[1])
        elif match := _SENTENCE.fullmatch(part.strip()):
            sentence = int(match[1])
        elif (named := emotion_of(part)) in LABELS:
            emotion = named
    if subject is None or emotion is None:
        return None
    match = _FILE.fullmatch(path.stem)
    if sentence is None and match and match[3]:
        sentence = int(match[3])
    return Place(subject, emotion, sentence)


def _misnamed(place: Place, path: Path, folder: Path) -> list[Problem]:
    """Return what the name of a file says otherwise than its folders."""
    end = "" if place.sentence is None else f"_{place.sentence}"
    proper = f"s{place.subject}_{place.emotion[:2]}{end}"
    if path.stem.lower() == proper:
        return []
    message = f"{path.name} lies where {proper}{path.suffix} belongs; its folders count."
    return [Problem("misnamed", inside(folder, path), message)]


def _sample(place: Place, path: Path) -> Sample:
    sentence = {} if place.sentence is None else {"sentence": str(place.sentence)}
    return Sample(
        id=place.clip,
        dataset=NAME,
        video=path,
        emotions={place.emotion: 1.0},
        label_source="folder name",
        speaker=f"{NAME}/{place.subject:02d}",
        details={**sentence, "language": "en"},
    )


def _note_gaps(reading: Reading) -> None:
    """Add what is missing of the subjects that are there; one without sentences has a clip an emotion."""
    clips = {sample.id for sample in reading.samples}
    numbered = {sample.speaker for sample in reading.samples if "sentence" in sample.details}
    for speaker in sorted({sample.speaker or "" for sample in reading.samples}):
        subject = int(speaker.rpartition("/")[2])
        sentences = range(1, SENTENCES + 1) if speaker in numbered else (None,)
        wanted = [Place(subject, emotion, number).clip for emotion in LABELS for number in sentences]
        reading.named += len(wanted)
        reading.problems += [
            Problem("missing", None, f"There is no {clip}.") for clip in wanted if clip not in clips
        ]


def _recognises(folder: Path, files: list[Path]) -> bool:
    return any(path.suffix.lower() in VIDEO_SUFFIXES and place_of(path.relative_to(folder)) for path in files)


LAYOUT = Layout(
    name=NAME,
    title="eNTERFACE'05",
    labels=LABELS,
    expects="subject N/<emotion>/sentence K/*.avi",
    recognises=_recognises,
    read=read,
    aliases=("enterface05", "enterface-05", "enterface'05"),
    clips=1287,
)
