from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from shared.errors import AvemotionError, ErrorCode
from tests.unit.training.datasets.folders import shared_data
from tests.unit.training.datasets.samples import dataset, sample
from training.datasets.dataset import Dataset, read_dataset
from training.datasets.emotions import BASIC
from training.datasets.mixed import mix
from training.datasets.splits import leaking_speakers


def speakers(name: str, count: int, emotions: tuple[str, ...], folds: int = 0) -> Dataset:
    """Return a data set of ``count`` speakers, each with every emotion once."""
    return dataset(
        name,
        (
            sample(
                f"{speaker}-{emotion}",
                emotion,
                f"{speaker:02d}",
                dataset=name,
                fold=speaker % folds + 1 if folds else None,
            )
            for speaker in range(count)
            for emotion in emotions
        ),
        folds,
    )


def test_folds_that_agree_are_kept() -> None:
    """Two data sets of five folds each keep them; ids and data sets' names stay as they were."""
    one, two = speakers("one", 10, ("anger", "fear"), 5), speakers("two", 5, ("anger", "neutral"), 5)

    mixed = mix([one, two])

    assert mixed.samples == (*one.samples, *two.samples)
    assert (mixed.folds, mixed.fold_source) == (5, "the data sets")
    assert mixed.labels == ("anger", "fear", "neutral")
    assert mixed.weights == (1.0,) * len(mixed.samples)


@pytest.mark.parametrize("count", [4, 0])
def test_folds_that_do_not_agree_are_made_anew_by_speaker(count: int) -> None:
    """Another number of folds, or none: all get new ones, and no speaker is in two."""
    mixed = mix([speakers("one", 10, ("anger", "fear"), 5), speakers("two", 8, ("anger", "fear"), count)])

    assert (mixed.folds, mixed.fold_source) == (5, "made by speaker")
    assert leaking_speakers(mixed.samples) == []
    assert {one.fold for one in mixed.samples} == {1, 2, 3, 4, 5}


def test_one_person_in_two_data_sets_is_on_one_side() -> None:
    """A manifest that names another data set's speakers shares them: their folds are made together."""
    one = speakers("one", 10, ("anger", "fear"), 5)
    copy = [replace(each, dataset="two", fold=(each.fold or 0) % 5 + 1) for each in one.samples]
    two = dataset("two", copy, 5)

    mixed = mix([one, two])

    assert leaking_speakers(mixed.samples) == []
    assert mixed.fold_source == "made by speaker"


def test_clips_of_unknown_speakers_move_with_their_fold() -> None:
    """Who is seen in them is not known, so those that were in one fold stay in one."""
    unknown = dataset("film", (sample(str(k), "anger", dataset="film", fold=k % 5 + 1) for k in range(50)), 5)

    mixed = mix([unknown, speakers("two", 8, ("anger", "fear"))], folds=3)

    moved = {(int(one.id) % 5, one.fold) for one in mixed.samples if one.dataset == "film"}
    assert len(moved) == 5
    assert {one.speaker for one in mixed.samples if one.dataset == "film"} == {None}


def test_an_official_split_stays_and_takes_its_speakers_along() -> None:
    """Someone who is in an official test is trained on nowhere."""
    stills = dataset(
        "stills",
        [
            sample("a", "anger", dataset="stills", split="train"),
            replace(sample("b", "anger", dataset="stills", split="test"), speaker="two/03"),
        ],
    )

    mixed = mix([stills, speakers("two", 8, ("anger", "fear"))])

    assert [one.split for one in mixed.samples[:2]] == ["train", "test"]
    assert {one.split for one in mixed.samples if one.speaker == "two/03"} == {"test"}
    assert leaking_speakers(mixed.samples) == []


def test_an_official_split_with_a_speaker_on_both_sides_is_refused() -> None:
    """Nothing that is made around it can mend it."""
    parts = [sample(part, "anger", "anna", dataset="one", split=part) for part in ("train", "test")]

    with pytest.raises(AvemotionError, match="one/anna: on both sides") as caught:
        mix([dataset("one", parts), speakers("two", 8, ("anger",))])
    assert caught.value.code is ErrorCode.INVALID_DATASET


def test_emotions_go_into_one_label_space() -> None:
    """Calm is neutral, and boredom is left out and told; a compound keeps what is in the space."""
    one = dataset(
        "one",
        [
            sample("a", "calm", "1", dataset="one"),
            sample("b", "boredom", "1", dataset="one"),
            replace(
                sample("c", "anger", "1", dataset="one"),
                emotions={"anger": 0.25, "anxiety": 0.25, "contempt": 0.5},
            ),
            replace(sample("d", "anger", "1", dataset="one"), emotions={"anger": 0.4, "contempt": 0.6}),
        ],
    )

    mixed = mix([one, speakers("two", 3, BASIC)])

    assert mixed.labels == BASIC
    assert [dict(each.emotions or {}) for each in mixed.samples[:2]] == [
        {"neutral": 1.0},
        {"anger": 0.5, "fear": 0.5},
    ]
    assert [problem.message for problem in mixed.problems] == [
        "2 of 4 samples of one have an emotion outside the label space; they are left out."
    ]


def test_the_label_space_can_be_chosen() -> None:
    """A label that is asked for is not merged, and another merging can be given."""
    one, two = speakers("one", 3, ("calm", "fear")), speakers("two", 3, ("boredom", "fear"))

    mixed = mix([one, two], labels=("fear", "calm"), merged={"boredom": "calm"})

    assert mixed.labels == ("fear", "calm")
    assert Counter(next(iter(each.emotions or {})) for each in mixed.samples) == {"fear": 6, "calm": 6}


def test_weights_share_the_draws() -> None:
    """A small data set with the weight of a large one is drawn as often, and the mean weight is 1."""
    mixed = mix(
        [speakers("one", 10, ("anger", "fear")), speakers("two", 5, ("anger",))], {"one": 3.0, "two": 1.0}
    )

    share = sum(
        weight for weight, one in zip(mixed.weights, mixed.samples, strict=True) if one.dataset == "two"
    )
    assert share / sum(mixed.weights) == pytest.approx(0.25)
    assert sum(mixed.weights) == pytest.approx(len(mixed.samples))


@pytest.mark.parametrize(
    ("names", "options", "part"),
    [
        ((), {}, "no data set to mix"),
        (("one", "one"), {}, "Two data sets are called one."),
        (("one", "two"), {"weights": {"one": 1.0}}, "one for each of one, two"),
        (("one", "two"), {"weights": {"one": 1.0, "two": 0.0}}, "numbers above 0"),
        (("one",), {"labels": ("anger", "rage")}, "The labels anger, rage"),
        (("one",), {"labels": ("anger", "anger")}, "should be different"),
        (("one",), {"labels": ("boredom",)}, "No sample of one has one of the labels boredom."),
    ],
)
def test_what_cannot_be_mixed_is_refused(
    names: tuple[str, ...], options: dict[str, object], part: str
) -> None:
    """Names, weights and labels that make no sense are told."""
    with pytest.raises(AvemotionError, match=part) as caught:
        mix([speakers(name, 3, ("anger", "fear")) for name in names], **options)  # type: ignore[arg-type]
    assert caught.value.code is ErrorCode.INVALID_DATASET


def test_the_real_speech_and_stills_mix() -> None:
    """EmoDB, the one actor of RAVDESS and FER2013 become one data set of seven classes."""
    folder = shared_data("speech.csv").parent
    shared_data("fer2013.npz")

    mixed = mix([read_dataset(name, folder) for name in ("emodb", "ravdess", "fer2013")])

    counts = Counter(one.dataset for one in mixed.samples)
    assert counts == {"emodb": 535 - 81, "ravdess": 60, "fer2013": 33977}
    assert mixed.labels == BASIC
    assert leaking_speakers(mixed.samples) == []
    assert {one.fold for one in mixed.samples if one.dataset == "ravdess"} <= {1, 2, 3, 4, 5}
