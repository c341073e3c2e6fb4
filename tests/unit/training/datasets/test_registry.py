from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.errors import AvemotionError
from tests.unit.training.datasets.folders import files, refuses, shared_data, table
from training.datasets.files import find_files
from training.datasets.registry import DATASETS, layout_of, recognise

FOLDERS = {
    "crema-d": "AudioWAV/1001_IEO_ANG_HI.wav",
    "enterface": "enterface database/subject 1/anger/sentence 1/s1_an_1.avi",
    "ravdess": "Actor_01/01-01-05-02-01-01-01.mp4",
    "emodb": "wav/03a01Fa.wav",
    "fer2013": "train/angry/Training_3908.jpg",
    "manifest": "manifest.csv",
}


@pytest.mark.parametrize(("name", "file"), FOLDERS.items())
def test_a_folder_is_recognised_by_its_files(tmp_path: Path, name: str, file: str) -> None:
    """One file is enough, also a folder further down."""
    files(tmp_path, [file if name == "manifest" else f"below/{file}"])

    assert [layout.name for layout in recognise(tmp_path)] == [name]


@pytest.mark.parametrize(
    "beside", ["Labels/single-set.xlsx", "Train & Test Set/single/x.txt", "single_folds.csv"]
)
def test_mafw_is_recognised_by_its_tables(tmp_path: Path, beside: str) -> None:
    """Five digits alone may be anybody's clip."""
    files(tmp_path, ["00025.mp4"])
    assert recognise(tmp_path) == []

    files(tmp_path, [beside])
    assert [layout.name for layout in recognise(tmp_path)] == ["mafw"]


def test_a_folder_may_hold_several_and_a_manifest_speaks_for_all(tmp_path: Path) -> None:
    """What lies together is all found, unless a manifest says what it is."""
    files(tmp_path, [FOLDERS["emodb"], FOLDERS["ravdess"]])
    assert {layout.name for layout in recognise(tmp_path)} == {"emodb", "ravdess"}

    table(tmp_path / "manifest.csv", [("path", "emotion")])
    assert [layout.name for layout in recognise(tmp_path)] == ["manifest"]


def test_the_shared_data_are_recognised() -> None:
    """Converted speech of two corpora and the pictures lie in one folder."""
    folder = shared_data("speech.csv").parent
    shared_data("fer2013.npz")

    assert {layout.name for layout in recognise(folder)} == {"ravdess", "emodb", "fer2013"}


def test_names_and_aliases_are_all_different() -> None:
    """Each is found in any case; another is refused with the list of those there are."""
    names = [name for layout in DATASETS.values() for name in (layout.name, *layout.aliases)]
    assert len(set(names)) == len(names)
    for layout in DATASETS.values():
        assert {layout_of(name.upper()).name for name in (layout.name, *layout.aliases)} == {layout.name}
    with pytest.raises(AvemotionError, match="no data set called iemocap; there are crema-d, enterface"):
        layout_of("iemocap")


@pytest.mark.parametrize("name", DATASETS)
def test_a_folder_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    """One that is not there, one that is empty, and a file are told apart."""
    (tmp_path / "empty").mkdir()
    files(tmp_path, ["file"])

    refuses(name, tmp_path / "none", "There is no folder", "none")
    refuses(name, tmp_path / "empty", "is empty")
    refuses(name, tmp_path / "file", "is a file; a data set is a folder")


@pytest.mark.parametrize("name", [name for name in DATASETS if name not in ("manifest", "mafw")])
def test_the_wrong_folder_is_told_with_what_it_looks_like(tmp_path: Path, name: str) -> None:
    """The message says what was expected, and which data set the folder seems to be."""
    other = "ravdess" if name != "ravdess" else "emodb"
    files(tmp_path, [FOLDERS[other]])

    refuses(name, tmp_path, "holds no sample of", DATASETS[name].expects, f"It looks like {other}.")


@pytest.mark.parametrize(
    ("name", "options", "part"),
    [
        ("emodb", {"songs": True}, "EmoDB has no option songs; it has class_constants, fold_count"),
        ("fer2013", {"fold_file": "x.csv"}, "FER2013 has no option fold_file"),
        ("emodb", {"labels_from": "votes"}, "EmoDB has no option labels_from"),
        ("emodb", {"fold_count": 1}, "The option fold_count of EmoDB"),
        ("emodb", {"fold_count": "many"}, "The option fold_count of EmoDB"),
        ("emodb", {"colour": "red"}, "EmoDB has no option colour"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    tmp_path: Path, name: str, options: dict[str, object], part: str
) -> None:
    """An option of another data set, and a value that may not be, are told."""
    files(tmp_path, FOLDERS.values())

    refuses(name, tmp_path, part, **options)


def test_an_option_that_is_none_is_not_given(tmp_path: Path) -> None:
    """A command may pass all that it has."""
    files(tmp_path, [FOLDERS["emodb"], "wav/08a01Wa.wav"])

    from training.datasets.dataset import read_dataset  # noqa: PLC0415 - as a command does

    assert len(read_dataset("emodb", tmp_path, songs=None, fold_file=None, labels_from=None).samples) == 2


def test_hidden_files_and_leftovers_of_archivers_are_passed_over(tmp_path: Path) -> None:
    """What macOS and version control leave behind is no part of the data."""
    files(tmp_path, ["a.wav", "._a.wav", ".git/b.wav", "__MACOSX/c.wav", "d/e.WAV", "f.txt"])

    assert find_files(tmp_path, {".wav"}) == [tmp_path / "a.wav", tmp_path / "d" / "e.WAV"]


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    """Media often lie on another disk; a link that leads back in does not go round for ever."""
    files(tmp_path, ["disk/wav/03a01Fa.wav"])
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "wav").symlink_to(tmp_path / "disk" / "wav")
    (tmp_path / "disk" / "wav" / "back").symlink_to(tmp_path / "data")

    assert find_files(tmp_path / "data") == [tmp_path / "data/wav/03a01Fa.wav"]


def test_reading_needs_no_model_and_no_opencv() -> None:
    """Importing all readers brings neither TensorFlow, Keras nor OpenCV."""
    code = (
        "import sys, training.datasets.registry, training.datasets.mixed, training.datasets.survey\n"
        "print([name for name in ('tensorflow', 'keras', 'cv2', 'torch', 'jax') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout == "[]\n"
