from __future__ import annotations

import os
from pathlib import Path

import pytest

from client.score.items import Item, Selection
from client.score.sources import select
from shared.errors import AvemotionError, ErrorCode
from tests.unit.client.runs import MP4_HEAD, WAV_HEAD


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of clips and other things, with the working folder beside it."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "clips"
    for name, content in {
        "b.mp4": MP4_HEAD,
        "a.wav": WAV_HEAD,
        "deep/c.mp4": MP4_HEAD,
        "deep/without-suffix": WAV_HEAD,
        "notes.txt": b"hello",
        "labels.csv": b"path\n",
        "empty.mp4": b"",
        ".hidden.mp4": MP4_HEAD,
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def references(selection: Selection) -> list[str]:
    return [item.reference for item in selection.items]


@pytest.mark.usefixtures("folder")
def test_a_folder_gives_its_media_in_the_order_of_names() -> None:
    """Clips below a folder are found by their bytes or names; what is neither is passed over and counted."""
    found = select([Path("clips")])

    assert references(found) == [
        "clips/a.wav",
        "clips/b.mp4",
        "clips/deep/c.mp4",
        "clips/deep/without-suffix",
        "clips/empty.mp4",
    ]
    assert found.items[0].path == Path("clips/a.wav")
    assert found.passed_over == 2


@pytest.mark.usefixtures("folder")
def test_a_pattern_that_the_shell_left_alone_is_followed() -> None:
    """Patterns find files and folders, at any depth; a name that merely looks like one is a name."""
    assert references(select([Path("clips/*.mp4")])) == ["clips/b.mp4", "clips/empty.mp4"]
    assert references(select([Path("clips/**/*.mp4")])) == [
        "clips/b.mp4",
        "clips/deep/c.mp4",
        "clips/empty.mp4",
    ]
    assert references(select([Path("cl*")]))[0] == "clips/a.wav"
    Path("clips/take[1].mp4").write_bytes(MP4_HEAD)
    assert references(select([Path("clips/take[1].mp4")])) == ["clips/take[1].mp4"]


@pytest.mark.usefixtures("folder")
def test_paths_are_taken_in_their_order_and_once() -> None:
    """Several paths follow each other; a clip that is named again counts once."""
    found = select([Path("clips/b.mp4"), Path("clips"), Path("clips/a.wav")])
    assert references(found)[:2] == ["clips/b.mp4", "clips/a.wav"]
    assert len(found.items) == 5


@pytest.mark.usefixtures("folder")
def test_a_file_that_was_named_gets_its_row_whatever_it_is() -> None:
    """A text named on the command line is not passed over: its row will say what is wrong."""
    assert references(select([Path("clips/notes.txt")])) == ["clips/notes.txt"]


def test_a_name_of_bytes_that_are_no_text_is_escaped(folder: Path) -> None:
    """Any file name can be a reference."""
    (folder / os.fsdecode(b"caf\xe9.mp4")).write_bytes(MP4_HEAD)
    found = select([Path("clips")])
    item = next(item for item in found.items if "caf" in item.reference)
    assert item.reference == "clips/caf\\xe9.mp4"
    assert item.path.read_bytes() == MP4_HEAD


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("clips/none.mp4", "There is no file clips/none.mp4."),
        ("clips/*.mkv", "No file is called clips/*.mkv."),
        ("clips/only-notes", "There is nothing to score: clips/only-notes holds no video and no sound."),
        ("none.csv", "There is no manifest none.csv."),
    ],
)
def test_nothing_to_score_is_a_sentence(folder: Path, path: str, sentence: str) -> None:
    """What is not there, or holds nothing, is named."""
    (folder / "only-notes").mkdir()
    (folder / "only-notes" / "a.txt").write_text("hello")
    with pytest.raises(AvemotionError) as caught:
        select([Path(path)])
    assert caught.value.code is ErrorCode.INVALID_REQUEST
    assert caught.value.message == sentence


def test_two_clips_of_one_name_are_refused(folder: Path) -> None:
    """Results are told apart by their names: the same name for two files is told."""
    (folder / "manifest.csv").write_text("path\nclips/b.mp4\n")
    (folder / "clips").mkdir()
    with pytest.raises(AvemotionError, match=r"Two clips are called clips/b\.mp4"):
        select([Path("clips/b.mp4"), Path("clips/manifest.csv")])


def test_a_manifest_may_stand_beside_folders(folder: Path) -> None:
    """A manifest's clips carry its columns; those of a folder carry none."""
    Path("list.csv").write_text("path,room\nclips/b.mp4,kitchen\n")
    found = select([Path("list.csv"), Path("clips/deep")])
    assert found.columns == ("room",)
    assert found.items[0] == Item("clips/b.mp4", Path("clips/b.mp4"), None, {"room": "kitchen"})
    assert found.items[1].beside == {}
    assert folder.name == "clips"
