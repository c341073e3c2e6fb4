"""``speech.csv`` with ``speech/*.flac``: utterances of EmoDB and RAVDESS, converted, in one folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from training.datasets.emotions import emotion_of
from training.datasets.files import fault_of
from training.datasets.layout import Reading
from training.datasets.problem import Problem
from training.datasets.sample import Sample
from training.datasets.tables import invalid, read_csv

TABLE = "speech.csv"
FOLDER = "speech"
_COLUMNS = ("file", "corpus", "speaker", "sex", "language", "sentence", "emotion", "duration_s")


def has_speech_table(folder: Path) -> bool:
    """Whether the folder is laid out so."""
    return (folder / TABLE).is_file() and (folder / FOLDER).is_dir()


def holds_corpus(folder: Path, corpus: str) -> bool:
    """Whether the folder is laid out so, and has files of a corpus."""
    prefix = f"{corpus}_"
    return has_speech_table(folder) and any(
        path.name.startswith(prefix) for path in (folder / FOLDER).iterdir()
    )


def read_speech_table(folder: Path, corpus: str, of_clip: Callable[[str], Sample | None]) -> Reading:
    """Return the utterances of one corpus.

    Args:
        folder: With ``speech.csv`` and ``speech/``.
        corpus: Value of the column ``corpus``; also what stands before the clip in a file's name.
        of_clip: Makes a sample, without its file, of a clip's name as published; None: no such name.

    Raises:
        AvemotionError: ``INVALID_DATASET``: the table cannot be read, or names an emotion not known here.
    """
    reading = Reading()
    for number, row in enumerate(read_csv(folder / TABLE, _COLUMNS), start=2):
        if row["corpus"] != corpus:
            continue
        emotion = emotion_of(row["emotion"])
        if emotion is None:
            raise invalid(f"Row {number} of {folder / TABLE}: {row['emotion']!r} is no emotion known here.")
        reading.named += 1
        _take(reading, folder, row, emotion, of_clip)
    return reading


def _take(
    reading: Reading, folder: Path, row: dict[str, str], emotion: str, of_clip: Callable[[str], Sample | None]
) -> None:
    """Add one row's utterance, or what is wrong with it."""
    place = Path(FOLDER, row["file"])
    sample = of_clip(Path(row["file"]).stem.removeprefix(f"{row['corpus']}_"))
    if sample is None or place.parts != (FOLDER, row["file"]):
        message = f"{row['file']} is no file name of {row['corpus']}; it is left out."
        reading.problems.append(Problem("unknown", place, message))
        return
    path = folder / place
    fault = fault_of(path) if path.exists() else None
    if not path.exists():
        reading.problems.append(Problem("missing", place, f"There is no {place}."))
        return
    if fault is not None:
        reading.problems.append(Problem("broken", place, f"{row['file']} {fault}."))
        return
    if sample.emotions != {emotion: 1.0}:
        named = "".join(sample.emotions or {})
        message = f"{TABLE} makes {row['file']} {emotion}, and its name {named}; the name counts."
        reading.problems.append(Problem("conflict", place, message))
    known = {name: row[name] for name in ("sex", "language", "sentence", "duration_s")}
    reading.samples.append(replace(sample, audio=path, details={**sample.details, **known}))
