from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.training.datasets.folders import codes, files, refuses, shared_data, table, told
from training.datasets.dataset import read_dataset
from training.datasets.splits import leaking_speakers

SPEAKERS = ("03", "08", "09", "10")
CLIPS = [f"{speaker}a0{k}{letter}a" for speaker in SPEAKERS for k in (1, 2) for letter in "WLEAFTN"]
COLUMNS = ("file", "corpus", "speaker", "sex", "language", "sentence", "emotion", "duration_s")
LETTERS = dict(
    zip("WLEAFTN", ("anger", "boredom", "disgust", "fear", "happiness", "sadness", "neutral"), strict=True)
)


def converted(folder: Path, clips: list[str]) -> list[tuple[str, ...]]:
    """Write ``speech.csv`` and its files; return the rows."""
    files(folder, (f"speech/emodb_{clip}.flac" for clip in clips))
    rows = [
        (f"emodb_{clip}.flac", "emodb", f"emodb-{clip[:2]}", "m", "de", clip[2:5], LETTERS[clip[5]], "2.5")
        for clip in clips
    ]
    table(folder / "speech.csv", [COLUMNS, *rows])
    return rows


def test_names_say_who_speaks_what_and_how(tmp_path: Path) -> None:
    """The letters stand for German words: W is Wut, anger."""
    files(tmp_path, (f"wav/{clip}.wav" for clip in CLIPS))

    dataset = read_dataset("emodb", tmp_path)

    assert (len(dataset.samples), dataset.problems) == (56, ())
    found = {sample.id[5]: next(iter(sample.emotions or {})) for sample in dataset.samples}
    assert found == LETTERS
    sample = dataset.samples[0]
    assert (sample.id, sample.speaker, sample.video) == ("03a01Aa", "emodb/03", None)
    assert sample.details == {"sentence": "a01", "take": "a", "sex": "m", "language": "de"}


def test_folds_leave_speakers_out(tmp_path: Path) -> None:
    """With as many folds as speakers each fold is one; more folds than speakers are not made."""
    files(tmp_path, (f"wav/{clip}.wav" for clip in CLIPS))

    dataset = read_dataset("emodb", tmp_path, fold_count=10)

    assert dataset.folds == 4
    assert leaking_speakers(dataset.samples) == []


def test_strangers_and_copies_are_told(tmp_path: Path) -> None:
    """A file with another name is left out, and so is a second file of one utterance."""
    files(tmp_path, (f"wav/{clip}.wav" for clip in CLIPS))
    files(tmp_path, ["wav/silence.wav", f"zz/{CLIPS[0]}.wav"])

    assert codes(read_dataset("emodb", tmp_path)) == {"unknown": 1, "duplicate": 1}


def test_the_converted_form_is_read_too(tmp_path: Path) -> None:
    """``speech.csv`` names the files; ids and speakers are those of the published form."""
    converted(tmp_path, CLIPS)

    dataset = read_dataset("emodb", tmp_path)

    sample = dataset.samples[0]
    assert (len(dataset.samples), sample.id, sample.speaker) == (56, "03a01Aa", "emodb/03")
    assert sample.audio == tmp_path / "speech/emodb_03a01Aa.flac"
    assert sample.details["duration_s"] == "2.5"


def test_the_converted_form_tells_what_does_not_fit(tmp_path: Path) -> None:
    """A file that is not there, an empty one, a strange name, a label that contradicts the name."""
    rows = converted(tmp_path, CLIPS)
    (tmp_path / "speech" / rows[0][0]).unlink()
    files(tmp_path, [f"speech/{rows[1][0]}"], "")
    rows[2] = (*rows[2][:6], "fear", "2.5")
    files(tmp_path, ["emodb_16b10Na.flac"])
    rows.append(("../emodb_16b10Na.flac", *rows[3][1:]))
    table(tmp_path / "speech.csv", [COLUMNS, *rows])

    dataset = read_dataset("emodb", tmp_path)

    assert codes(dataset) == {"missing": 1, "broken": 1, "conflict": 1, "unknown": 1}
    assert told(dataset, "conflict") == [
        "speech.csv makes emodb_03a01Ea.flac fear, and its name disgust; the name counts."
    ]


@pytest.mark.parametrize(
    ("row", "part"), [(6, "'rage' is no emotion"), (None, "no column emotion and no column duration_s")]
)
def test_a_converted_form_that_cannot_be_read_is_refused(tmp_path: Path, row: int | None, part: str) -> None:
    """An emotion that nobody knows, and a table without its columns, are told."""
    rows = converted(tmp_path, CLIPS)
    if row is None:
        table(tmp_path / "speech.csv", [names[:6] for names in (COLUMNS, *rows)])
    else:
        table(tmp_path / "speech.csv", [COLUMNS, *rows, (*rows[0][:row], "rage", "2.5")])

    refuses("emodb", tmp_path, part)


def test_the_real_recordings_fit() -> None:
    """535 utterances of ten speakers in seven classes; two speakers a fold."""
    dataset = read_dataset("emodb", shared_data("speech.csv").parent)

    assert (len(dataset.samples), dataset.folds, dataset.problems) == (535, 5, ())
    assert len({sample.speaker for sample in dataset.samples}) == 10
    assert leaking_speakers(dataset.samples) == []
