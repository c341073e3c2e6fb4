from __future__ import annotations

from pathlib import Path

import pytest

from shared.errors import AvemotionError, ErrorCode
from training.fitting.recipe import load_recipe

SHIPPED = ("finetune", "probe", "nano", "overfit")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipes_are_sound(name: str) -> None:
    """Each recipe of the project has a model and phases that go together."""
    recipe = load_recipe(name, sources=["crema-d"])

    assert recipe.config.fusion
    assert recipe.phases


def test_a_recipe_without_sources_takes_those_that_are_given() -> None:
    """The recipe of fine-tuning is one for any data set."""
    recipe = load_recipe("finetune", sources=["crema-d", "enterface"])

    assert [source.dataset for source in recipe.sources.values()] == ["crema-d", "enterface"]
    assert recipe.sources_of(recipe.phases[0]) == ("crema-d", "enterface")


def test_values_can_be_changed_by_their_dotted_names() -> None:
    """A number in the name is a place in a list; a table that is not there is made."""
    changes = {"phases.1.epochs": 3, "model.preset": "small", "phases.1.augmentation.sound": 0.5}

    recipe = load_recipe("finetune", changes, ["crema-d"])

    assert recipe.phases[1].epochs == 3
    assert recipe.config.preset == "small"
    assert recipe.phases[1].augmentation.sound == 0.5


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"phases.0.epochs": 0}, "phases.0.epochs: "),
        ({"phases.0.epoch": 1}, "phases.0.epoch: Extra inputs"),
        ({"phases.7.epochs": 1}, "no place phases.7.epochs"),
        ({"model.preset": "giant"}, "preset"),
        ({"model.frames": 15}, "frames"),
        ({"phases.0.tubelets": 1}, "tubelets belongs to the draws faces and voices"),
        ({"phases.0.pair_agreement": 0.5}, "pair_agreement, pair_noise and pair_alone belong to the draw"),
        ({"phases.0.pair_alone": 0.5}, "belong to the draw pairs alone"),
        ({"phases.1.name": "heads"}, "two phases have one name"),
        ({"sources.a.dataset": "crema-d", "phases.0.sources": ["b"]}, "phase heads names b"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, object], said: str) -> None:
    """A key or value that cannot be is an error that says which."""
    with pytest.raises(AvemotionError, match=said) as caught:
        load_recipe("finetune", changes, ["crema-d"])

    assert caught.value.code is ErrorCode.INVALID_RECIPE


def test_a_recipe_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    """A wrong name, and a path without a file, end in a sentence."""
    for name in ("fine-tune", str(tmp_path / "mine.toml")):
        with pytest.raises(AvemotionError, match="finetune, nano, overfit, probe"):
            load_recipe(name)


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    """The error says where the file stops making sense."""
    path = tmp_path / "mine.toml"
    path.write_text("id = [")

    with pytest.raises(AvemotionError, match="is not TOML"):
        load_recipe(str(path))
