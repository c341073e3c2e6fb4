"""Recipes and models of the nano size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training.fitting.model_folder import write_model
from training.fitting.recipe import Recipe, load_recipe
from training.fitting.rounds import new_network
from training.fitting.start import Start

LABELS = ("anger", "neutral")


def make_recipe(*, labels: Sequence[str] = LABELS, seed: int = 1, preset: str = "nano") -> Recipe:
    """Return the nano recipe with other labels, seed or preset."""
    return load_recipe("nano", {"labels": [*labels], "seed": seed, "model.preset": preset})


def trained_model(folder: Path, recipe: Recipe) -> Path:
    """Write a model that claims to be trained, with the weights a recipe starts from; return its folder."""
    recipe = recipe.model_copy(update={"id": folder.name, "stored_as": "float32"})
    write_model(folder, recipe, new_network(recipe, Start()), 1.0, {"affect_source": "annotated"})
    return folder
