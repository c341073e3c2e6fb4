from __future__ import annotations

import csv
from pathlib import Path

from tests.unit.training.datasets.folders import (
    codes,
    files,
    refuses,
    shared_data,
    table,
    told,
)
from tests.unit.training.datasets.mafw_folder import (
    CLIPS,
    DFER_CLIP,
    SINGLE,
    captioned,
    published,
    sets,
)
from training.datasets.dataset import read_dataset


def test_sets_with_captions_are_read_whatever_their_encoding(tmp_path: Path) -> None:
    """Captions in GB18030 beside English in a Windows code page do not stop the labels from being read."""
    files(tmp_path, (f"{clip}.mp4" for clip in CLIPS))
    sets(tmp_path, SINGLE, line=captioned, captions="with_caption")

    dataset = read_dataset("mafw", tmp_path)

    assert (dataset.folds, dataset.samples[1].emotions) == (5, {"disgust": 1.0})
    assert dataset.samples[0].label_source == "the official single set"


def test_sets_without_captions_go_first_as_they_are_complete(tmp_path: Path) -> None:
    """Sets with captions leave out the neutral clips; where both are there those are used that do not."""
    published(tmp_path)
    some = {clip: label for clip, label in SINGLE.items() if label != "neutral"}
    sets(tmp_path, some, line=captioned, captions="with_caption")

    assert len(read_dataset("mafw", tmp_path).samples) == 55


def test_sets_that_number_the_classes_are_refused(tmp_path: Path) -> None:
    """DFER-CLIP's copies of the sets have another order of classes: they are not guessed at."""
    files(tmp_path, (f"{clip}.mp4" for clip in CLIPS))
    sets(tmp_path, SINGLE, line=lambda clip, label: f"{clip}.mp4 {DFER_CLIP.index(label)}\n".encode())

    refuses("mafw", tmp_path, "Line 1 of", "set_1", "DFER-CLIP")


def test_folds_in_the_order_of_dfer_clip_are_refused(tmp_path: Path) -> None:
    """A fold file whose label_index contradicts the labels is another order of classes."""
    published(tmp_path)
    rows = [(clip, DFER_CLIP.index(label), k % 5 + 1) for k, (clip, label) in enumerate(SINGLE.items())]
    path = table(tmp_path / "mine.csv", [("clip", "label_index", "test_fold"), *rows])

    refuses("mafw", tmp_path, "in our order", "it makes 00019", "it is anger", fold_file=path)


def test_a_table_of_folds_labels_clips_where_nothing_else_does(tmp_path: Path) -> None:
    """``single_folds.csv`` in the folder gives folds and labels."""
    files(tmp_path, (f"{clip}.mp4" for clip in CLIPS))
    rows = [(clip, k % 11, k % 5 + 1) for k, clip in enumerate(CLIPS)]
    table(tmp_path / "labels/single_folds.csv", [("clip", "label_index", "test_fold"), *rows])

    dataset = read_dataset("mafw", tmp_path)

    assert (dataset.folds, dataset.fold_source) == (5, "single_folds.csv")
    assert dataset.samples[1].emotions == {"disgust": 1.0}


def test_a_set_that_is_missing_is_told(tmp_path: Path) -> None:
    """All five sets are needed."""
    place = sets(published(tmp_path), SINGLE)
    (place / "set_4" / "test.txt").unlink()

    refuses("mafw", tmp_path, "There is no set_4/test.txt")


def test_a_clip_that_is_trained_on_and_tested_is_told(tmp_path: Path) -> None:
    """Sets that leak are used as they are, and told."""
    place = sets(published(tmp_path), SINGLE)
    with (place / "set_1" / "train.txt").open("ab") as file:
        file.write(b"00019.mp4 anger\n")

    assert codes(read_dataset("mafw", tmp_path)) == {"leak": 1}


def test_labels_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    """The workbook counts, and the set that says otherwise is named."""
    published(tmp_path)
    sets(tmp_path, {**SINGLE, "00019": "fear"})

    dataset = read_dataset("mafw", tmp_path)

    assert told(dataset, "conflict") == [
        "00019 is fear in the official sets and anger in single-set.xlsx, which counts."
    ]
    assert dataset.samples[0].emotions == {"anger": 1.0}


def test_the_published_folds_fit(tmp_path: Path) -> None:
    """The real table of folds gives 9,156 labelled clips in five folds."""
    folds = shared_data("labels/mafw/single_folds.csv")
    with folds.open(encoding="utf-8") as file:
        clips = [row["clip"] for row in csv.DictReader(file)]
    files(tmp_path, (f"clips/{clip}.mp4" for clip in clips))

    dataset = read_dataset("mafw", tmp_path, fold_file=folds)

    assert (len(dataset.samples), dataset.folds, dataset.problems) == (9156, 5, ())
    assert sum(sample.emotions == {"contempt": 1.0} for sample in dataset.samples) == 236
