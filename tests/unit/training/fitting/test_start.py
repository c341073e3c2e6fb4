"""Starting from random weights, an encoder, or a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.catalog import load_catalog
from shared.errors import AvemotionError, ErrorCode
from tests.unit.training.fitting.models import make_recipe, trained_model
from training.fitting.rounds import new_network
from training.fitting.start import Start
from worker.model.weights import named_weights


def weights_of(network: Any) -> dict[str, np.ndarray]:
    """Return copies of a network's weights by name."""
    return {name: array.copy() for name, array in named_weights(network)}


@pytest.mark.slow
def test_a_model_of_the_same_labels_is_gone_on_with(tmp_path: Path) -> None:
    """With a model's folder, each weight is the model's, and the card says which model it was."""
    recipe = make_recipe(seed=1)
    folder = trained_model(tmp_path / "first", recipe)
    other = recipe.model_copy(update={"seed": 2})

    started = weights_of(new_network(other, Start(folder)))

    assert all(
        np.array_equal(array, started[name])
        for name, array in weights_of(new_network(recipe, Start())).items()
    )
    source = Start(folder).source()
    assert source is not None
    assert (source["kind"], source["name"]) == ("avemotion", "first")


@pytest.mark.slow
def test_a_model_of_other_labels_is_refused_with_both(tmp_path: Path) -> None:
    """Labels that are not the model's end in a sentence that names them, and the way out."""
    folder = trained_model(tmp_path / "first", make_recipe(labels=("anger", "neutral")))

    said = r"first tells anger, neutral; the recipe's labels are joy, neutral.*--new-heads"
    with pytest.raises(AvemotionError, match=said) as caught:
        new_network(make_recipe(labels=("joy", "neutral")), Start(folder))

    assert caught.value.code is ErrorCode.INVALID_RECIPE


@pytest.mark.slow
def test_new_heads_leave_what_a_model_says_of_emotions(tmp_path: Path) -> None:
    """With new heads the encoder is the model's, and the head of emotions is as the seed has it."""
    folder = trained_model(tmp_path / "first", make_recipe(labels=("anger", "neutral"), seed=1))
    recipe = make_recipe(labels=("anger", "joy", "neutral"), seed=2)

    started = weights_of(new_network(recipe, Start(folder, new_heads=True)))
    fresh = weights_of(new_network(recipe, Start()))

    changed = {name.partition("/")[0] for name in started if not np.array_equal(started[name], fresh[name])}
    assert "backbone" in changed
    assert "emotion" not in changed


def test_an_untrained_model_is_nothing_to_start_from() -> None:
    """Random weights are taken for no training."""
    folder = load_catalog(None)["videomae-tiny-untrained"].folder

    with pytest.raises(AvemotionError, match="has not been trained"):
        Start(folder).digest  # noqa: B018 - it raises


def test_another_model_is_refused_by_the_weight_that_differs(tmp_path: Path) -> None:
    """A model of another form ends in a sentence with the first weight that does not fit."""
    folder = trained_model(tmp_path / "first", make_recipe())

    with pytest.raises(AvemotionError, match=r"not that of first: .* differs"):
        new_network(make_recipe(preset="tiny"), Start(folder))


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    """A folder that holds no model ends in a sentence."""
    with pytest.raises(AvemotionError, match="is no model") as caught:
        Start(tmp_path).digest  # noqa: B018 - it raises

    assert caught.value.code is ErrorCode.INVALID_WEIGHTS
