from __future__ import annotations

from collections import Counter

import pytest

from tests.unit.training.datasets.samples import sample
from training.datasets.folds import make_folds
from training.datasets.splits import divide, leaking_speakers

EMOTIONS = ("anger", "fear", "sadness")
SAMPLES = [
    sample(f"{speaker}-{k}", EMOTIONS[k % 3], f"{speaker}", fold=speaker % 3 + 1)
    for speaker in range(9)
    for k in range(6)
]


def test_folds_spread_classes_and_keep_speakers_together() -> None:
    """Speakers who show one emotion alone are spread, so that each fold has each emotion."""
    alone = [
        sample(f"{speaker}-{k}", EMOTIONS[speaker % 3], f"{speaker}")
        for speaker in range(9)
        for k in range(4)
    ]

    folds = make_folds(alone, 3)

    found = Counter((folds["made", one.id], next(iter(one.emotions or {}))) for one in alone)
    assert found == {(fold, emotion): 4 for fold in (1, 2, 3) for emotion in EMOTIONS}


def test_folds_do_not_depend_on_the_order_of_samples() -> None:
    """The same samples in another order get the same folds."""
    assert make_folds(SAMPLES, 4) == make_folds(SAMPLES[::-1], 4)


def test_one_speaker_gets_no_folds() -> None:
    """A single fold would leave nothing to train on."""
    assert make_folds(SAMPLES[:6], 5) == {}


def test_a_round_tests_one_fold_and_chooses_by_another() -> None:
    """Test, validation and training share no sample, and together are all."""
    parts = divide(SAMPLES, 1, validation_fold=2)

    assert {one.fold for one in parts.test} == {1}
    assert {one.fold for one in parts.validation} == {2}
    assert {one.fold for one in parts.training} == {3}
    assert len(parts.test) + len(parts.validation) + len(parts.training) == len(SAMPLES)
    with pytest.raises(ValueError, match="Fold 1"):
        divide(SAMPLES, 1, validation_fold=1)


def test_official_parts_stay_in_every_round() -> None:
    """A split is kept beside folds; what has neither is always trained on."""
    mixed = [
        *SAMPLES,
        *(sample(part, split=part) for part in ("train", "validation", "test")),
        sample("always"),
        sample("kept", split="train", fold=3),
    ]

    parts = divide(mixed, 3)
    whole = divide(mixed, None)

    assert {one.id for one in parts.test} >= {"test", "2-0", "5-0", "8-0"}
    assert [one.id for one in parts.validation] == ["validation"]
    assert {one.id for one in parts.training} >= {"train", "always", "kept", "0-0"}
    assert [one.id for one in whole.test] == ["test"]
    assert len(whole.training) == len(SAMPLES) + 3


@pytest.mark.parametrize(
    ("sides", "leaks"),
    [
        (({"fold": 1}, {"fold": 1}), False),
        (({"fold": 1}, {"fold": 2}), True),
        (({"fold": 1}, {}), True),
        (({}, {"split": "train"}), False),
        (({"split": "train"}, {"split": "test"}), True),
        (({"fold": 1}, {"split": "test"}), True),
    ],
)
def test_a_speaker_on_two_sides_is_found(sides: tuple[dict[str, int], dict[str, int]], leaks: bool) -> None:
    """Folds, official parts, and what is always trained on are sides."""
    found = leaking_speakers(sample(str(k), speaker="anna", **side) for k, side in enumerate(sides))

    assert found == (["made/anna"] if leaks else [])
