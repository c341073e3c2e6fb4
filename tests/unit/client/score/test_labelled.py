from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from client.score.items import Selection
from client.score.labelled import select_dataset
from shared.errors import AvemotionError, ErrorCode
from tests.unit.training.datasets.crema_d_folder import published
from tests.unit.training.datasets.folders import SHARED_DATA, files, table


def chosen(name: str, folder: Path, **options: Any) -> Selection:
    return select_dataset(name, [folder], options)


def test_names_of_files_become_labels_speakers_and_folds(tmp_path: Path) -> None:
    """A clip of CREMA-D gets its picture and its sound, and beside the result what its name says."""
    folder = published(tmp_path)

    found = chosen("crema-d", folder)

    assert found.columns == ("true_emotion", "label_source", "speaker", "fold", "dataset")
    assert len(found.items) == 7 * 4 * 6
    first = found.items[0]
    assert first.path == folder / "VideoFlash" / "1001_IEO_ANG_XX.flv"
    assert first.reference == str(first.path)
    assert first.audio == folder / "AudioWAV" / "1001_IEO_ANG_XX.wav"
    assert {**first.beside, "fold": None} == {
        "true_emotion": "anger",
        "label_source": "file name",
        "speaker": "crema-d/1001",
        "fold": None,
        "dataset": "crema-d",
    }
    folds = {item.beside["speaker"]: item.beside["fold"] for item in found.items}
    assert set(folds.values()) == {1, 2, 3, 4, 5}
    assert "The folds are made by speaker: none came with the data." in found.notes


def test_ties_are_shares(tmp_path: Path) -> None:
    """Where votes tie, each emotion has a column with its share, and all of them are named."""
    folder = published(tmp_path, ["1001_IEO_ANG_XX", "1001_TIE_DIS_XX"])
    rows = [("FileName", "MultiModalVote"), ("1001_IEO_ANG_XX", "A:D"), ("1001_TIE_DIS_XX", "D")]
    table(folder / "processedResults" / "summaryTable.csv", rows)

    found = chosen("crema-d", folder, labels_from="votes")

    assert found.columns[:3] == ("true_emotion", "true_anger", "true_disgust")
    tied, sure = (item.beside for item in found.items)
    assert (tied["true_emotion"], tied["true_anger"], tied["true_disgust"]) == ("anger;disgust", 0.5, 0.5)
    assert (sure["true_emotion"], sure["true_anger"], sure["true_disgust"]) == ("disgust", 0.0, 1.0)


def test_a_voice_alone_is_a_clip(tmp_path: Path) -> None:
    """EmoDB has sounds; each is the clip itself."""
    files(tmp_path, ["wav/03a01Fa.wav", "wav/08a01Wa.wav"])
    found = chosen("emodb", tmp_path)
    assert [item.path.name for item in found.items] == ["03a01Fa.wav", "08a01Wa.wav"]
    assert [item.audio for item in found.items] == [None, None]
    assert [item.beside["true_emotion"] for item in found.items] == ["happiness", "anger"]


def test_annotated_affect_goes_along(tmp_path: Path) -> None:
    """Valence and arousal stand beside the results with where they come from."""
    files(tmp_path, ["a.mp4"])
    (tmp_path / "manifest.csv").write_text("path,emotion,valence,arousal\na.mp4,anger,-0.5,0.5\n")
    found = chosen("manifest", tmp_path)
    assert found.columns[-3:] == ("true_valence", "true_arousal", "affect_source")
    assert found.items[0].beside["true_valence"] == -0.5
    assert found.items[0].beside["affect_source"] == "annotated"


def test_a_part_will_do_and_gaps_are_told(tmp_path: Path) -> None:
    """A copy with gaps is scored as it is, and its owner is told where to read of them."""
    folder = published(tmp_path)
    for path in (folder / "AudioWAV").glob("1001_*"):
        path.unlink()
    found = chosen("crema-d", folder)
    assert len(found.items) == 7 * 4 * 6
    assert "24 things about the files of crema-d are not as they should be" in found.notes[0]


@pytest.mark.parametrize(
    ("name", "paths", "code"),
    [
        ("crema-d", ["a", "b"], ErrorCode.INVALID_REQUEST),
        ("mafw", ["a"], ErrorCode.INVALID_DATASET),
        ("kinetics", ["a"], ErrorCode.INVALID_DATASET),
        ("crema-d", ["none"], ErrorCode.INVALID_DATASET),
    ],
)
def test_the_wrong_folder_is_a_sentence(tmp_path: Path, name: str, paths: list[str], code: ErrorCode) -> None:
    """Another data set's folder, an unknown name, or more than one folder are refused."""
    published(tmp_path / "a", ["1001_IEO_ANG_XX"])
    with pytest.raises(AvemotionError) as caught:
        select_dataset(name, [tmp_path / path for path in paths], {})
    assert caught.value.code is code


@pytest.mark.parametrize(("name", "clips", "speakers"), [("emodb", 535, 10), ("ravdess", 60, 1)])
def test_real_recordings_are_read(name: str, clips: int, speakers: int) -> None:
    """The real files of EmoDB and RAVDESS at hand get their labels and speakers."""
    if not (SHARED_DATA / "speech.csv").is_file():
        pytest.skip(f"the recordings are not at {SHARED_DATA}")
    found = chosen(name, SHARED_DATA)
    assert len(found.items) == clips
    assert len({item.beside["speaker"] for item in found.items}) == speakers
    assert all(item.path.is_file() for item in found.items)
