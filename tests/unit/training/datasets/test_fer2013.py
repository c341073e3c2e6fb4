from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.training.datasets.folders import codes, files, refuses, shared_data, table, told
from training.datasets.dataset import read_dataset
from training.datasets.emotions import BASIC

KAGGLE = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
USAGES = ("Training", "PublicTest", "PrivateTest")


def arrays(folder: Path, **changed: Any) -> Path:
    """Write ``fer2013.npz`` with 42 different pictures."""
    rows = 42
    values: dict[str, Any] = {
        "image": np.random.default_rng(0).integers(0, 256, (rows, 48, 48), np.uint8),
        "label": (np.arange(rows) % 7).astype(np.uint8),
        "labels": np.array(BASIC),
        "split": (np.arange(rows) % 3).astype(np.uint8),
    }
    values.update(changed)
    np.savez(folder / "fer2013.npz", **{name: value for name, value in values.items() if value is not None})
    return folder


def pixels(seed: int) -> str:
    return " ".join(map(str, np.random.default_rng(seed).integers(0, 256, 48 * 48)))


def test_arrays_are_read_by_their_index(tmp_path: Path) -> None:
    """Each row of the ``.npz`` is a still, with the part that it officially stands in and no fold."""
    dataset = read_dataset("fer2013", arrays(tmp_path))

    assert (len(dataset.samples), dataset.folds, dataset.labels) == (42, 0, BASIC)
    sample = dataset.samples[8]
    assert (sample.id, sample.emotions, sample.split, sample.fold) == (
        "00008",
        {"disgust": 1.0},
        "test",
        None,
    )
    assert sample.still is not None
    assert (sample.still.path, sample.still.index) == (tmp_path / "fer2013.npz", 8)
    assert (sample.video, sample.audio, sample.speaker) == (None, None, None)


def test_copies_are_dropped(tmp_path: Path) -> None:
    """A picture in two parts or under two labels goes altogether; a plain copy leaves the first."""
    image = np.random.default_rng(0).integers(0, 256, (42, 48, 48), np.uint8)
    image[1] = image[0]  # another part
    image[3 + 3] = image[3]  # the same part, another label
    image[9 + 21] = image[9]  # the same part, the same label
    dataset = read_dataset("fer2013", arrays(tmp_path, image=image))

    left = {sample.id for sample in dataset.samples}
    assert {f"{index:05d}" for index in range(42)} - left == {"00000", "00001", "00003", "00006", "00030"}
    assert told(dataset, "duplicate") == [
        "00000 stands in train and in validation; it is left out.",
        "00001 stands in train and in validation; it is left out.",
        "00003 is labelled happiness and surprise; it is left out.",
        "00006 is labelled happiness and surprise; it is left out.",
        "00030 is 00009 again; it is left out.",
    ]


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"image": np.zeros((42, 24, 24), np.uint8)}, "(42, 24, 24)"),
        ({"image": np.zeros((42, 48, 48), np.float32)}, "float32"),
        ({"label": np.zeros(3, np.uint8)}, "with (3,) labels"),
        ({"label": np.full(42, 9, np.uint8)}, "larger than there are names"),
        ({"label": np.zeros(42, np.float32)}, "`label` is float32"),
        ({"labels": np.array(["rage", *BASIC[1:]])}, "its `labels` name rage"),
        ({"split": None}, "image, label, labels and split"),
        ({"labels": np.array(BASIC, object)}, "cannot be read as .npz of plain arrays"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, changed: dict[str, Any], part: str) -> None:
    """What is wrong with an array is told; a pickle inside is never loaded."""
    refuses("fer2013", arrays(tmp_path, **changed), part)


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    """A file that was cut off is told by its name."""
    path = arrays(tmp_path) / "fer2013.npz"
    path.write_bytes(path.read_bytes()[:1000])

    refuses("fer2013", tmp_path, "fer2013.npz cannot be read")


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("fer2013.csv", ("emotion", "pixels", "Usage")),
        ("icml_face_data.csv", ("emotion", " Usage", " pixels")),
    ],
)
def test_kaggles_table_is_read(tmp_path: Path, name: str, names: tuple[str, ...]) -> None:
    """Both versions of the CSV, one of which has blanks before its names; Kaggle has its own class order."""
    cells = [{"emotion": str(k % 7), "pixels": pixels(k), "Usage": USAGES[k % 3]} for k in range(21)]
    cells += [{"emotion": "0", "pixels": "1 2 3", "Usage": "Training"}, {**cells[4], "Usage": "Training"}]
    table(tmp_path / "fer2013" / name, [names, *([row[key.strip()] for key in names] for row in cells)])

    dataset = read_dataset("fer2013", tmp_path)

    found = {sample.id: sample for sample in dataset.samples}
    assert [next(iter(found[f"{k:05d}"].emotions or {})) for k in (0, 1, 2, 3, 5, 6)] == [
        KAGGLE[k] for k in (0, 1, 2, 3, 5, 6)
    ]
    assert [found[f"{k:05d}"].split for k in (0, 1, 2)] == ["train", "validation", "test"]
    assert found["00003"].still is not None
    assert found["00003"].still.index == 3
    assert told(dataset, "broken")[0].startswith("Row 23 of")
    assert codes(dataset)["duplicate"] == 2
    assert "00004" not in found


def test_kaggles_folders_are_read(tmp_path: Path) -> None:
    """Folders name part and emotion; the public test is told from the private one by the names."""
    for part, prefix in (("train", "Training"), ("test", "PublicTest"), ("test", "PrivateTest")):
        for emotion in ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"):
            files(tmp_path, [f"{part}/{emotion}/{prefix}_12345.jpg"], f"{part} {prefix} {emotion}")
    files(tmp_path, ["train/angry/Training_1.jpg"], "test PublicTest angry")
    files(tmp_path, ["train/puzzled/Training_1.jpg"], "another")

    dataset = read_dataset("fer2013", tmp_path)

    assert Counter(sample.split for sample in dataset.samples) == {"train": 7, "validation": 6, "test": 7}
    assert codes(dataset) == {"unknown": 1, "duplicate": 2}
    sample = dataset.samples[0]
    assert (sample.id, sample.label_source) == ("test-anger-PrivateTest-12345", "folder name")
    assert sample.still is not None
    assert sample.still.index is None


def test_the_real_pictures_fit() -> None:
    """The deduplicated file has no copy left, and the published sizes of its parts."""
    dataset = read_dataset("fer2013", shared_data("fer2013.npz").parent)

    sizes = Counter(sample.split for sample in dataset.samples)
    assert sizes == {"train": 26912, "validation": 3508, "test": 3557}
    assert dataset.problems == ()
