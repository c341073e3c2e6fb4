from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.errors import AvemotionError, ErrorCode
from tests.unit.training.evaluation.scores import LABELS, UNKNOWN, make_scored, with_affect
from training.evaluation.scored import Scored, join

ROWS = 20 * 14


def same(first: Scored, second: Scored) -> bool:
    names = ("labels", "samples", "datasets", "speakers", "affect_sources")
    arrays = ("folds", "truth", "logits", "valence", "arousal", "true_valence", "true_arousal")
    return all(getattr(first, name) == getattr(second, name) for name in names) and all(
        np.array_equal(getattr(first, name), getattr(second, name), equal_nan=True) for name in arrays
    )


def test_what_was_saved_is_read_again(tmp_path: Path) -> None:
    """What save wrote, load reads: it keep each value, its type, and who is unknown."""
    made = make_scored(speakers=UNKNOWN, **with_affect(make_scored(), "annotated"))
    path = tmp_path / "fold 1.npz"

    made.save(path)
    read = Scored.load(path)

    assert same(made, read)
    assert read.logits.dtype == np.float32
    assert [file.name for file in tmp_path.iterdir()] == ["fold 1.npz"]


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut off"])
def test_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file that holds no scores ends in a sentence with its name."""
    path = tmp_path / "scores.npz"
    path.write_bytes(content)

    with pytest.raises(AvemotionError, match=r"scores\.npz holds no scored samples, or is damaged") as caught:
        Scored.load(path)
    assert caught.value.code is ErrorCode.INVALID_DATASET


def test_pickled_objects_are_never_read(tmp_path: Path) -> None:
    """An archive with a pickled object is refused, and the object not made."""
    path = tmp_path / "scores.npz"
    np.savez(path, document=np.array([{"labels": 1}], dtype=object))

    with pytest.raises(AvemotionError, match="holds no scored samples"):
        Scored.load(path)


def test_truncated_file_is_refused(tmp_path: Path) -> None:
    """Wherever a file was cut off, it is refused."""
    path = tmp_path / "scores.npz"
    make_scored().save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), len(whole) // 20):
        path.write_bytes(whole[:length])
        with pytest.raises(AvemotionError, match="holds no scored samples"):
            Scored.load(path)


def test_spoilt_bytes_are_refused_or_harmless(tmp_path: Path) -> None:
    """Wherever bytes were overwritten, the file is refused, or holds what it held."""
    path = tmp_path / "scores.npz"
    made = make_scored()
    made.save(path)
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole) - 4, len(whole) // 40):
        path.write_bytes(whole[:place] + b"\xff\xff\xff\xff" + whole[place + 4 :])
        try:
            assert same(Scored.load(path), made)
        except AvemotionError:
            refused += 1
    assert refused > 20


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    """Reading what is not there, and writing where nothing can be, ends in a sentence."""
    with pytest.raises(AvemotionError, match=r"nothing\.npz cannot be read: No such file"):
        Scored.load(tmp_path / "nothing.npz")
    with pytest.raises(AvemotionError, match=r"cannot be written: No such file") as caught:
        make_scored().save(tmp_path / "nowhere" / "scores.npz")
    assert caught.value.code is ErrorCode.INVALID_REQUEST


def test_folds_are_joined_in_order() -> None:
    """Join puts parts one behind the other, and undoes a split by fold."""
    made = make_scored()
    parts = [made.rows(made.folds == fold) for fold in (1, 2, 3, 4, 5)]

    joined = join(parts)

    assert same(joined, made.rows(np.argsort(made.folds, kind="stable")))


def test_sample_in_two_folds_is_refused() -> None:
    """No sample may count twice."""
    made = make_scored()

    with pytest.raises(AvemotionError, match="clip0003 of made-up stands twice"):
        join([made, made.rows(np.array([3]))])


def test_other_labels_cannot_be_joined() -> None:
    """The same labels in another order are other labels."""
    with pytest.raises(AvemotionError, match="different labels"):
        join([make_scored(), make_scored(labels=LABELS[::-1])])
    with pytest.raises(AvemotionError, match="nothing to evaluate"):
        join([])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"truth": np.zeros(3)}, r"need truth of shape \(280,\), not \(3,\)"),
        ({"logits": np.zeros((ROWS, 3))}, r"need logits of shape \(280, 7\), not \(280, 3\)"),
        ({"speakers": ["a"]}, r"need speakers of shape \(280,\), not \(1,\)"),
        ({"truth": np.full(ROWS, 7)}, "no label number 7: labels go from 0 to 6"),
        ({"truth": np.full(ROWS, -2)}, "no label number -2"),
        ({"true_valence": np.zeros(ROWS)}, "of no known source"),
        ({"affect_sources": ["guess"] * ROWS}, "not guess"),
        (
            {"true_arousal": np.full(ROWS, 1.5), "affect_sources": ["annotated"] * ROWS},
            "true_arousal of sample clip0000 is not within -1 and 1",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(columns: dict[str, Any], message: str) -> None:
    """Wrong shapes and values end in a sentence that names them."""
    with pytest.raises(AvemotionError, match=message) as caught:
        make_scored(**columns)
    assert caught.value.code is ErrorCode.INVALID_DATASET


@pytest.mark.parametrize("labels", [(), ("anger",), ("anger", "anger")])
def test_fewer_than_two_labels_are_refused(labels: tuple[str, ...]) -> None:
    """There is nothing to tell apart with one label."""
    none = np.zeros(0)
    with pytest.raises(AvemotionError, match="At least two different labels"):
        Scored(labels, (), (), (), none, none, np.zeros((0, len(labels))), none, none, none, none, ())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_outputs_that_are_no_numbers_mean_a_failed_training(value: float) -> None:
    """NaN or infinite logits name the first such sample, and how many there are."""
    logits = np.array(make_scored().logits)
    logits[[5, 9], 2] = value

    with pytest.raises(AvemotionError, match="2 of 280 samples, the first of them clip0005") as caught:
        make_scored(logits=logits)
    assert caught.value.code is ErrorCode.TRAINING_FAILED


def test_arrays_cannot_be_changed_afterwards() -> None:
    """Scores keep their own copy, which stays as it was checked."""
    logits = np.zeros((ROWS, 7), np.float32)
    made = make_scored(logits=logits)
    logits[:] = np.nan

    assert np.isfinite(made.logits).all()
    with pytest.raises(ValueError, match="read-only"):
        made.logits[0] = 1
