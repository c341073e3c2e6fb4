from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.training.datasets.folders import (
    MAFW_EMOTIONS,
    codes,
    files,
    refuses,
    told,
    workbook,
)
from tests.unit.training.datasets.mafw_folder import (
    CLIPS,
    COMPOUND,
    SINGLE,
    label_book,
    published,
    sets,
)
from training.datasets.dataset import read_dataset


@pytest.mark.parametrize("name", ["mafw", "MFAW"])
def test_clips_have_the_official_labels_and_folds(tmp_path: Path, name: str) -> None:
    """Both spellings of the name read eleven classes and the authors' five sets; nobody knows who is seen."""
    dataset = read_dataset(name, published(tmp_path))

    assert (dataset.name, dataset.labels, len(dataset.samples)) == ("mafw", MAFW_EMOTIONS, 55)
    assert (dataset.folds, dataset.fold_source, dataset.problems) == (5, "official", ())
    sample = dataset.samples[1]
    assert (sample.id, sample.emotions, sample.fold) == ("00026", {"disgust": 1.0}, 2)
    assert (sample.speaker, sample.audio, sample.label_source) == (None, None, "single-set.xlsx")
    assert sample.video == tmp_path / "data/clips/00026.mp4"


def test_numbers_in_the_place_of_clip_names_get_their_zeros_back(tmp_path: Path) -> None:
    """Excel makes 00026 the number 26."""
    files(tmp_path, (f"{clip}.mp4" for clip in CLIPS))
    workbook(tmp_path / "single-set.xlsx", [(int(clip), 2.0) for clip in CLIPS])

    dataset = read_dataset("mafw", tmp_path)

    assert {tuple(sample.emotions or {}) for sample in dataset.samples} == {("disgust",)}
    assert (dataset.folds, dataset.fold_source) == (5, "made by clip")


def test_compounds_share(tmp_path: Path) -> None:
    """A clip with two emotions has half of each; the compound sets have their own folds."""
    published(tmp_path)
    label_book(tmp_path, COMPOUND, "multi")
    sets(tmp_path, {**SINGLE, **COMPOUND}, "compound")

    dataset = read_dataset("mafw", tmp_path, labels_from="compound")

    by_id = {sample.id: sample for sample in dataset.samples}
    assert len(by_id) == 55
    assert by_id["00019"].emotions == {"anger": 0.5, "surprise": 0.5}
    assert by_id["00019"].label_source == "the official compound set"
    assert by_id[CLIPS[6]].emotions == {"surprise": 1.0}


def test_compounds_are_read_from_their_workbook_alone(tmp_path: Path) -> None:
    """Without the sets, ``1,2`` in multi-set.xlsx says the same; a cell that is no list is told."""
    files(tmp_path, (f"{clip}.mp4" for clip in CLIPS))
    label_book(tmp_path, {**COMPOUND, **dict.fromkeys(CLIPS[5:54], "fear_surprise")}, "multi")
    book = tmp_path / "Labels/multi-set.xlsx"
    rows = [("clip", "multi_label"), ("00019.mp4", "1,7"), *((f"{clip}.mp4", "3,7") for clip in CLIPS[1:54])]
    workbook(book, [*rows, (f"{CLIPS[54]}.mp4", 3.7)])

    dataset = read_dataset("mafw", tmp_path, labels_from="compound")

    assert dataset.samples[0].emotions == {"anger": 0.5, "surprise": 0.5}
    assert told(dataset, "unlabelled") == [
        f"{CLIPS[54]} has no label in multi-set.xlsx (it has 3.7); it is left out."
    ]


def test_numbers_of_the_annotation_table_become_shares(tmp_path: Path) -> None:
    """The eleven columns of annotation.xlsx, divided by their sum."""
    published(tmp_path)
    rows = [(f"{clip}.mp4", 0, 0.9, 0.3, *[0] * 9) for clip in CLIPS[:-1]]
    names = ("clip", "invalid", *MAFW_EMOTIONS)
    workbook(tmp_path / "Labels/annotation.xlsx", [names, *rows, (f"{CLIPS[-1]}.mp4", -1, *[0] * 11)])

    dataset = read_dataset("mafw", tmp_path, labels_from="annotation")

    assert dataset.samples[0].emotions == pytest.approx({"anger": 0.75, "disgust": 0.25})
    assert codes(dataset) == {"unlabelled": 1}


def test_clips_without_label_and_labels_without_clip_are_told(tmp_path: Path) -> None:
    """A clip of the other set is left out; a label whose clip is not there is a gap."""
    published(tmp_path, [*CLIPS[1:], "09999"])

    dataset = read_dataset("mafw", tmp_path)

    assert told(dataset, "unlabelled") == ["09999 has no label in single-set.xlsx; it is left out."]
    assert told(dataset, "missing") == ["There is no 00019.mp4, which single-set.xlsx names."]


def test_a_clip_that_is_there_twice_is_read_once(tmp_path: Path) -> None:
    """Archives unpacked into two places: the first in the order of paths is used."""
    published(tmp_path)
    files(tmp_path, ["more/00019.mp4"])

    dataset = read_dataset("mafw", tmp_path)

    assert told(dataset, "duplicate") == [
        "more/00019.mp4 is there a second time; data/clips/00019.mp4 is used."
    ]
    assert dataset.samples[0].video == tmp_path / "data/clips/00019.mp4"


def test_a_half_copied_folder_is_refused(tmp_path: Path) -> None:
    """One of two archives of clips was unpacked."""
    published(tmp_path, CLIPS[:30])

    refuses("mafw", tmp_path, "25 of 55 files (45%)", "There is no 00229.mp4")


def test_labels_that_are_missing_or_unreadable_are_told(tmp_path: Path) -> None:
    """Clips alone are no data set, and a broken workbook is told by its name."""
    files(tmp_path, (f"{clip}.mp4" for clip in CLIPS))
    refuses("mafw", tmp_path, "no labels of MAFW for single", "Labels/single-set.xlsx")

    files(tmp_path, ["Labels/single-set.xlsx"], "not a workbook")
    refuses("mafw", tmp_path, "single-set.xlsx cannot be read as an Excel workbook")

    workbook(tmp_path / "Labels/single-set.xlsx", [("clip", "single_label")])
    refuses("mafw", tmp_path, "single-set.xlsx holds no clips")
