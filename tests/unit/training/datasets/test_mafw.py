from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.unit.training.datasets.folders import (
    MAFW_EMOTIONS,
    codes,
    files,
    refuses,
    shared_data,
    table,
    told,
    workbook,
)
from training.datasets.dataset import read_dataset

CLIPS = [f"{19 + 7 * k:05d}" for k in range(55)]
SINGLE = {clip: MAFW_EMOTIONS[k % 11] for k, clip in enumerate(CLIPS)}
COMPOUND = {clip: f"{SINGLE[clip]}_surprise" for clip in CLIPS[:5]}
DFER_CLIP = ("happiness", "sadness", "neutral", "anger", "surprise", *MAFW_EMOTIONS[1:3], *MAFW_EMOTIONS[7:])


def label_book(folder: Path, labels: dict[str, str], name: str = "single") -> None:
    """Write ``single-set.xlsx`` or ``multi-set.xlsx`` with 13 columns, the label in the last."""
    rows = []
    for clip, emotions in labels.items():
        numbers = [MAFW_EMOTIONS.index(emotion) + 1 for emotion in emotions.split("_")]
        label = numbers[0] if name == "single" else ",".join(map(str, numbers))
        rows.append((f"{clip}.mp4", *[0.5] * 11, label))
    workbook(folder / f"Labels/{name}-set.xlsx", [("clip", *MAFW_EMOTIONS, f"{name}_label"), *rows])


def sets(
    folder: Path,
    labels: dict[str, str],
    kind: str = "single",
    line: Callable[[str, str], bytes] = lambda clip, label: f"{clip}.mp4 {label}\n".encode(),
    captions: str = "no_caption",
) -> Path:
    """Write five sets, each of which tests every fifth clip; return their folder."""
    place = folder / "Train & Test Set" / kind / captions
    for number in range(1, 6):
        parts: dict[str, list[bytes]] = {"train": [], "test": []}
        for k, (clip, label) in enumerate(labels.items()):
            parts["test" if k % 5 + 1 == number else "train"].append(line(clip, label))
        for part, lines in parts.items():
            path = place / f"set_{number}" / f"{part}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(lines))
    return place


def published(folder: Path, clips: Sequence[str] = CLIPS) -> Path:
    """Write clips, labels and sets as the authors hand them out."""
    files(folder, (f"data/clips/{clip}.mp4" for clip in clips))
    label_book(folder, SINGLE)
    sets(folder, SINGLE)
    return folder


def captioned(clip: str, label: str) -> bytes:
    return (
        f"{clip}.mp4\t{label}\t".encode()
        + "一个女生眼含着泪水".encode("gb18030")
        + b"\tA girl \x93cries\x94\n"
    )


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


def test_labels_that_are_missing_or_unreadable_are_told(tmp_path: Path) -> None:
    """Clips alone are no data set, and a broken workbook is told by its name."""
    files(tmp_path, (f"{clip}.mp4" for clip in CLIPS))
    refuses("mafw", tmp_path, "no labels of MAFW for single", "Labels/single-set.xlsx")

    files(tmp_path, ["Labels/single-set.xlsx"], "not a workbook")
    refuses("mafw", tmp_path, "single-set.xlsx cannot be read as an Excel workbook")

    workbook(tmp_path / "Labels/single-set.xlsx", [("clip", "single_label")])
    refuses("mafw", tmp_path, "single-set.xlsx holds no clips")


def test_the_published_folds_fit(tmp_path: Path) -> None:
    """The real table of folds gives 9,156 labelled clips in five folds."""
    folds = shared_data("labels/mafw/single_folds.csv")
    with folds.open(encoding="utf-8") as file:
        clips = [row["clip"] for row in csv.DictReader(file)]
    files(tmp_path, (f"clips/{clip}.mp4" for clip in clips))

    dataset = read_dataset("mafw", tmp_path, fold_file=folds)

    assert (len(dataset.samples), dataset.folds, dataset.problems) == (9156, 5, ())
    assert sum(sample.emotions == {"contempt": 1.0} for sample in dataset.samples) == 236
