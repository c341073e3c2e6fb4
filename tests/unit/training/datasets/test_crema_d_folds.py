from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.training.datasets.crema_d_folder import CLIPS, CODES, published
from tests.unit.training.datasets.folders import refuses, table, told
from training.datasets.dataset import read_dataset


def fold_rows(clips: list[str], order: tuple[str, ...] = CODES) -> list[tuple[object, ...]]:
    rows = [(clip, order.index(clip.split("_")[2]), int(clip[:4]) % 5 + 1) for clip in clips]
    return [("clip", "label_index", "test_fold"), *rows]


def test_folds_of_a_file_in_the_folder_are_used(tmp_path: Path) -> None:
    """``folds.csv`` beside the clips is found; a clip that it leaves out is left out."""
    published(tmp_path)
    table(tmp_path / "folds.csv", fold_rows(CLIPS[1:]))

    dataset = read_dataset("crema-d", tmp_path)

    assert (dataset.folds, dataset.fold_source) == (5, "folds.csv")
    assert dataset.samples[0].id == CLIPS[1]
    assert dataset.samples[0].fold == 1001 % 5 + 1
    assert told(dataset, "no_fold") == [f"{CLIPS[0]} has no fold in folds.csv; it is left out."]


def test_a_label_index_that_differs_here_and_there_is_told(tmp_path: Path) -> None:
    """A few clips with another emotion than their name: the name counts."""
    published(tmp_path)
    rows = fold_rows(CLIPS)
    table(tmp_path / "folds.csv", [*rows[:-1], (CLIPS[-1], 0, 2)])

    dataset = read_dataset("crema-d", tmp_path)

    assert told(dataset, "conflict") == [
        f"folds.csv makes {CLIPS[-1]} anger; the data set's own sadness counts."
    ]
    assert dataset.samples[-1].emotions == {"sadness": 1.0}


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        (fold_rows(CLIPS[:-20]), ["20 of 168 clips have no fold", "1007_IEO_NEU_XX, 1007_IEO_SAD_XX"]),
        (fold_rows(CLIPS, CODES[::-1]), ["label_index", "1001_IEO_ANG_XX sadness", "it is anger"]),
        ([("clip", "test_fold"), ("00019", 1), ("00020", 2)], ["are not those of this CREMA-D", "00019"]),
        ([("clip", "test_fold"), (CLIPS[0], 1), (CLIPS[0], 2)], ["into fold 1 and into fold 2"]),
        ([("clip", "test_fold"), (CLIPS[0], 1), (CLIPS[1], 3)], ["folds", "are 1, 3"]),
        ([("clip", "test_fold"), (CLIPS[0], "one")], ["Row 2", "'one'"]),
        ([("clip", "label_index", "test_fold"), (CLIPS[0], 6, 1)], ["Row 2", "label_index is '6'"]),
        ([("clip", "fold"), (CLIPS[0], 1)], ["no column test_fold", "it has clip, fold"]),
        ([("clip", "test_fold"), (CLIPS[0],)], ["Row 2", "1 values"]),
        ([], ["it is empty"]),
    ],
)
def test_folds_that_do_not_fit_are_refused(
    tmp_path: Path, rows: list[tuple[object, ...]], parts: list[str]
) -> None:
    """A fold file that leaves clips out, is another data set's, or cannot be read, is told."""
    published(tmp_path)
    path = table(tmp_path / "mine.csv", rows)

    refuses("crema-d", tmp_path, *parts, fold_file=path)


def test_folds_name_what_is_missing(tmp_path: Path) -> None:
    """Clips that the folds name and the folder lacks make it half-copied."""
    published(tmp_path, CLIPS[:100])
    path = table(tmp_path / "mine.csv", fold_rows(CLIPS))

    refuses("crema-d", tmp_path, "136 of 336 files", fold_file=path)
