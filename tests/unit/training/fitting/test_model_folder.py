from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from shared.catalog import ModelCard
from shared.errors import AvemotionError
from tests.unit.training.fitting.models import make_recipe
from training.fitting.model_folder import WEIGHTS_NAME, write_model
from training.fitting.recipe import Recipe
from training.fitting.rounds import new_network
from training.fitting.start import Start
from worker.model.engine import Engine
from worker.model.networks import Network
from worker.model.weights import weights_sha256

FACTS = {"affect_source": "annotated"}


def recipe_stored_as(numbers: str) -> Recipe:
    return make_recipe().model_copy(update={"stored_as": numbers})


def written(folder: Path, numbers: str) -> tuple[Network, ModelCard]:
    """Write a model; return the network that was given, and the card."""
    recipe = recipe_stored_as(numbers)
    network = new_network(recipe, Start())
    return network, write_model(folder / recipe.id, recipe, network, 1.5, FACTS)


def types_in(path: Path) -> set[np.dtype[np.generic]]:
    found: set[np.dtype[np.generic]] = set()
    with h5py.File(path) as file:
        file.visititems(lambda _, item: found.add(item.dtype) if isinstance(item, h5py.Dataset) else None)
    return found


def test_a_model_is_what_was_trained(tmp_path: Path) -> None:
    """The card's hash is that of the network, and the service accepts weights, labels and temperature."""
    network, card = written(tmp_path, "float32")

    assert card.weights_sha256 == weights_sha256(network)
    assert card.temperature == 1.5
    assert card.labels == ("anger", "neutral")
    assert types_in(tmp_path / card.id / WEIGHTS_NAME) == {np.dtype(np.float32)}
    assert Engine.load(card, precision="float32").weights_sha256 == card.weights_sha256


@pytest.mark.slow
def test_half_precision_halves_the_file(tmp_path: Path) -> None:
    """Stored in 16 bits, weights are rounded, and the card's hash is that of the rounded ones."""
    (tmp_path / "whole").mkdir()
    network, whole = written(tmp_path / "whole", "float32")
    _, half = written(tmp_path, "float16")

    sizes = [path.stat().st_size for card in (half, whole) if (path := card.weights_path)]
    assert sizes[0] < 0.6 * sizes[1]
    assert types_in(tmp_path / half.id / WEIGHTS_NAME) == {np.dtype(np.float16)}
    assert half.weights_sha256 != weights_sha256(network)
    assert Engine.load(half, precision="float32").weights_sha256 == half.weights_sha256


def test_what_cannot_be_written_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    """Where a file cannot take its place, the sentence names it, and no draft is left."""
    recipe = recipe_stored_as("float16")
    folder = tmp_path / recipe.id
    (folder / WEIGHTS_NAME).mkdir(parents=True)

    with pytest.raises(AvemotionError, match=f"{WEIGHTS_NAME} cannot be written"):
        write_model(folder, recipe, new_network(recipe, Start()), 1.0, FACTS)

    assert [path.name for path in folder.iterdir()] == [WEIGHTS_NAME]
