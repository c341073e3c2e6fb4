"""Any folder, with a manifest: a CSV that says what its files are."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from training.datasets.emotions import EMOTIONS, emotion_of, in_order, shared
from training.datasets.files import AUDIO_SUFFIXES, STILL_SUFFIXES, VIDEO_SUFFIXES, fault_of
from training.datasets.folds import check_numbers
from training.datasets.layout import Layout, Reading
from training.datasets.options import Options
from training.datasets.problem import Problem
from training.datasets.sample import Sample, Still
from training.datasets.tables import NAMED, first, invalid, read_csv

MANIFEST = "manifest.csv"
MEDIA_SUFFIXES = VIDEO_SUFFIXES | AUDIO_SUFFIXES | STILL_SUFFIXES
_ID = re.compile(r"[A-Za-z0-9._-]+")
_SPLITS = {"val": "validation", "valid": "validation", "dev": "validation", "training": "train"}


class Row(BaseModel):
    """The columns of a manifest that have a meaning; others become details."""

    model_config = ConfigDict(extra="ignore")

    path: PurePosixPath
    emotion: tuple[str, ...] = ()
    id: str = ""
    audio: PurePosixPath | None = None
    speaker: str | None = None
    fold: int | None = Field(None, ge=1)
    split: Literal["train", "validation", "test"] | None = None
    valence: float | None = Field(None, ge=-1, le=1)
    arousal: float | None = Field(None, ge=-1, le=1)
    affect_source: Literal["annotated", "class_constant"] | None = None

    @property
    def has_affect(self) -> bool:
        """Whether there is valence or arousal."""
        return self.valence is not None or self.arousal is not None

    @field_validator("path", "audio")
    @classmethod
    def _stay_inside(cls, path: PurePosixPath | None) -> PurePosixPath | None:
        if path is not None and (path.is_absolute() or ".." in path.parts):
            raise ValueError(f"{path} leads out of the data set's folder")
        return path

    @field_validator("emotion", mode="before")
    @classmethod
    def _know(cls, text: str) -> tuple[str, ...]:
        """Return the emotions between semicolons."""
        named = {word.strip(): emotion_of(word) for word in text.split(";")}
        strange = [word for word, emotion in named.items() if emotion is None]
        if strange:
            raise ValueError(f"{strange[0]!r} is no emotion known here; known are {', '.join(EMOTIONS)}")
        return tuple(emotion for emotion in named.values() if emotion)

    @field_validator("split", mode="before")
    @classmethod
    def _spell(cls, text: str) -> str:
        return _SPLITS.get(text.lower(), text.lower())


def read(folder: Path, options: Options) -> Reading:
    """Return the samples that a manifest names.

    Raises:
        AvemotionError: ``INVALID_DATASET``: the manifest cannot be read, a value may not stand where it
            stands (the first ones are told), two rows have one id or one file, or some clips have a fold
            and others neither a fold nor a split.
    """
    path = folder / (options.manifest or MANIFEST)
    reading = Reading(name=_name(path, folder))
    faults: list[str] = []
    ids: dict[str, int] = {}
    folds: set[int] = set()
    files: dict[tuple[PurePosixPath, PurePosixPath | None], int] = {}
    for number, cells in enumerate(read_csv(path, ("path",)), start=2):
        reading.named += 1
        row = _row(cells, number, faults)
        if row is None:
            continue
        name = row.id or _id(row.path)
        if not _ID.fullmatch(name):
            faults.append(f"row {number}: the id {name!r} may have letters, digits, dots, dashes only")
        if row.audio and row.path.suffix.lower() not in VIDEO_SUFFIXES:
            faults.append(f"row {number}, audio: {row.path} is no video that it could go with")
        if ids.setdefault(name, number) != number:
            faults.append(
                f"rows {ids[name]} and {number} have one id, {name}; the column id can tell them apart"
            )
        elif files.setdefault((row.path, row.audio), number) != number:
            faults.append(f"rows {files[row.path, row.audio]} and {number} name one file, {row.path}")
        else:
            # Also of files that are missing: otherwise a gap in the files would look like one in the folds.
            folds |= {row.fold} if row.fold and not row.split else set()
            _take(reading, folder, row, name, cells)
    if faults:
        raise invalid(f"{path}: {'; '.join(faults[:NAMED])}.{_more(faults)}")
    reading.labels = in_order(emotion for sample in reading.samples for emotion in sample.emotions or {})
    if folds:
        _check_folds(reading, folds, path)
    return reading


def _row(cells: dict[str, str], number: int, faults: list[str]) -> Row | None:
    given = {name: cell for name, cell in cells.items() if cell}
    try:
        return Row.model_validate(given)
    except ValidationError as error:
        for fault in error.errors():
            what = fault["msg"].removeprefix("Value error, ")
            faults.append(f"row {number}, {fault['loc'][0] if fault['loc'] else 'path'}: {what}")
    return None


def _more(faults: list[str]) -> str:
    return f" There are {len(faults) - NAMED:,} more faults." if len(faults) > NAMED else ""


def _take(reading: Reading, folder: Path, row: Row, name: str, cells: dict[str, str]) -> None:
    """Add a sample, or why it is none."""
    problem = _problem(folder, row)
    if problem is not None:
        reading.problems.append(problem)
        return
    main = folder / row.path
    kind = main.suffix.lower()
    sound = folder / row.audio if row.audio else None
    reading.samples.append(
        Sample(
            id=name,
            dataset=reading.name,
            video=main if kind in VIDEO_SUFFIXES else None,
            audio=main if kind in AUDIO_SUFFIXES else sound,
            still=Still(main, None) if kind in STILL_SUFFIXES else None,
            emotions=shared(row.emotion) if row.emotion else None,
            label_source="manifest",
            # A name with a slash is another data set's: the same person there and here is one speaker.
            speaker=row.speaker if not row.speaker or "/" in row.speaker else f"{reading.name}/{row.speaker}",
            fold=None if row.split else row.fold,
            split=row.split,
            valence=row.valence,
            arousal=row.arousal,
            affect_source=(row.affect_source or "annotated") if row.has_affect else None,
            details={key: cell for key, cell in cells.items() if cell and key not in Row.model_fields},
        )
    )


def _problem(folder: Path, row: Row) -> Problem | None:
    """Return why a row is no sample: a file is missing or no media, or nothing is said of it."""
    for place, kinds in ((row.path, MEDIA_SUFFIXES), (row.audio, AUDIO_SUFFIXES)):
        if place is None:
            continue
        path = folder / place
        if not path.is_file():
            return Problem("missing", Path(place), f"There is no {place}.")
        fault = fault_of(path)
        if fault is None and path.suffix.lower() not in kinds:
            fault = f"is no kind of file that is known here ({path.suffix or 'no suffix'})"
        if fault is not None:
            return Problem("broken", Path(place), f"{path.name} {fault}.")
    if not row.emotion and not row.has_affect:
        message = f"{row.path} has no emotion, and no valence or arousal; it is left out."
        return Problem("unlabelled", Path(row.path), message)
    return None


def _check_folds(reading: Reading, folds: set[int], path: Path) -> None:
    """Raise ``INVALID_DATASET`` unless each sample has a fold or a split, and the folds count from 1."""
    check_numbers(folds, str(path))
    bare = [sample.id for sample in reading.samples if sample.fold is None and sample.split is None]
    if bare:
        raise invalid(
            f"{len(bare):,} of {len(reading.samples):,} rows of {path} have neither a fold nor a split:"
            f" {first(bare)}. A row that is only ever trained on has the split `train`."
        )
    reading.folds, reading.fold_source = max(folds), "manifest"


def _name(path: Path, folder: Path) -> str:
    """Return the data set's name: that of the manifest, or of the folder where it is ``manifest.csv``."""
    stem = folder.resolve().name if path.name == MANIFEST else path.stem
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-") or "manifest"


def _id(path: PurePosixPath) -> str:
    """Return an id that a path gives: its parts, joined; the suffix stays off."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", "-".join(path.with_suffix("").parts))


def _recognises(folder: Path, _: list[Path]) -> bool:
    return (folder / MANIFEST).is_file()


LAYOUT = Layout(
    name="manifest",
    title="A folder with a manifest",
    labels=(),
    expects=f"{MANIFEST} with the columns path and emotion",
    recognises=_recognises,
    read=read,
    options=frozenset({"manifest"}),
)
