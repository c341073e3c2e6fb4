from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import AvemotionError, ErrorCode
from tests.unit.training.datasets.samples import dataset, sample
from tests.unit.training.features.made import SETTINGS
from tests.unit.training.fitting.models import make_recipe
from training.datasets.dataset import Dataset
from training.datasets.mixed import mix
from training.datasets.sample import Sample
from training.features.cache import FeatureCache
from training.features.failure import Failure
from training.fitting.examples import Library
from training.fitting.materials import Materials, divisions, gather, held_out
from training.fitting.recipe import Recipe

EMOTIONS = ("anger", "neutral")


def acted(name: str = "acted", speakers: int = 20) -> Dataset:
    """Return a data set of speakers who say two sentences with each of two emotions, in five folds."""
    return dataset(
        name,
        [
            sample(f"{who}-{emotion}-{take}", emotion, str(who), dataset=name, fold=who % 5 + 1)
            for who in range(speakers)
            for emotion in EMOTIONS
            for take in range(2)
        ],
        folds=5,
    )


def found(name: str = "found") -> Dataset:
    """Return a data set with an official split."""
    return dataset(
        name,
        [
            sample(f"{split}-{number}", EMOTIONS[number % 2], dataset=name, split=split)
            for split in ("train", "validation", "test")
            for number in range(4)
        ],
    )


def recipe(*names: str, validation: float = 0.2) -> Recipe:
    made = make_recipe(labels=EMOTIONS).model_dump()
    phase = {"name": "all", "epochs": 1}
    sources = {name: {"dataset": "manifest"} for name in names}
    changes = {"sources": sources, "phases": [phase], "validation": validation, "card": {}}
    return Recipe.model_validate({**made, **changes})


def materials(*datasets: Dataset, validation: float = 0.2, failures: tuple[Failure, ...] = ()) -> Materials:
    """Return data sets as if their features were made."""
    chosen = recipe(*(each.name for each in datasets), validation=validation)
    cache = FeatureCache(Path("nowhere"), chosen.config, SETTINGS, "landmarker")
    by_name = {each.name: each for each in datasets}
    return Materials(chosen, by_name, mix(list(datasets)), Library(cache), failures)


def speakers(samples: tuple[Sample, ...]) -> set[str | None]:
    return {each.speaker for each in samples}


def test_nobody_stands_on_two_sides_of_a_fold() -> None:
    """In each round, those trained on, looked at and tested are different people, and all are tested once."""
    rounds = divisions(materials(acted()), range(1, 6), final=False)

    tested: list[str | None] = []
    for division in rounds:
        sides = [speakers(part) for part in (division.training, division.validation, division.test)]
        assert all(sides)
        assert sum(map(len, sides)) == len(set.union(*sides)) == 20
        tested += sorted(sides[2], key=str)
    assert len(tested) == len(set(tested)) == 20


def test_the_model_itself_learns_from_all() -> None:
    """The last round trains on every fold; official validation and test parts stay out of it."""
    (final,) = divisions(materials(acted(), found()), [], final=True)

    assert final.name == "final"
    assert speakers(final.training) >= speakers(acted().samples)
    assert {each.id for each in final.validation} == {f"validation-{number}" for number in range(4)}
    assert {each.id for each in final.test} == {f"test-{number}" for number in range(4)}


def test_an_official_test_part_waits_for_the_last_round() -> None:
    """A fold's round tests its fold alone; no official part is learned from or tested in it."""
    (division, _) = divisions(materials(acted(), found()), [2], final=True)

    assert {each.fold for each in division.test} == {2}
    assert not any(each.split in {"test", "validation"} for each in division.training)


def test_what_has_no_features_is_in_no_part() -> None:
    """A sample that failed is neither trained on nor tested."""
    broken = acted().samples[0]
    failure = Failure.of(broken, ErrorCode.MEDIA_UNREADABLE, "It is broken.")

    rounds = divisions(materials(acted(), failures=(failure,)), range(1, 6), final=True)

    for division in rounds:
        for part in (division.training, division.validation, division.test):
            assert broken.id not in {each.id for each in part}


@pytest.mark.parametrize("fold", [0, 6])
def test_a_fold_that_is_not_there_is_refused(fold: int) -> None:
    """The sentence says how many there are."""
    with pytest.raises(AvemotionError, match=f"There is no fold {fold}: there are 5") as caught:
        divisions(materials(acted()), [fold], final=False)

    assert caught.value.code is ErrorCode.INVALID_RECIPE


def test_about_the_share_that_was_asked_for_is_held_out() -> None:
    """A fifth of twenty speakers is four; with 0 nobody is, and official parts are left alone."""
    samples = (*acted().samples, *found().samples)

    held = held_out(samples, 0.2)

    assert len(speakers(held)) == 4
    assert {each.dataset for each in held} == {"acted"}
    assert held_out(samples, 0) == ()


def test_data_that_the_recipe_does_not_know_is_refused(tmp_path: Path) -> None:
    """Names on the command line that are not the recipe's end in a sentence with both."""
    said = r"takes data from voices\. It has no folder for voices\. It has no source voice\."
    with pytest.raises(AvemotionError, match=said):
        gather(
            recipe("voices"),
            {"voice": tmp_path},
            cache=tmp_path,
            settings=SETTINGS,
            analyzer="landmarker",
            processes=1,
            progress=lambda _done, _total: None,
        )
