from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from shared.errors import AvemotionError, ErrorCode
from tests.unit.training.features.made import segment
from tests.unit.training.fitting.drawn import phase, stored
from tests.unit.training.fitting.models import make_recipe
from training.fitting.log import Log
from training.fitting.optimizer import make_optimizer
from training.fitting.phase import Stretch, fit
from training.fitting.recipe import Phase, Recipe
from training.fitting.rounds import new_network
from training.fitting.start import Start
from training.fitting.state import Place, read_state, save_state
from training.fitting.trainee import freeze

# All layers of hybrid fusion.
LAYERS = (
    *("backbone", "modality", "audio_patches", "face_series", "emotion", "affect"),
    *("cross_0", "cross_1", "cross_norm", "cross_projection"),
)


def recipe_of(*phases: Phase) -> Recipe:
    recipe = make_recipe(labels=("anger", "joy"))
    return recipe.model_copy(update={"phases": phases, "precision": "float32"})


def stretch(folder: Path, recipe: Recipe) -> Stretch:
    """Return a phase with a clip to learn from."""
    library, samples = stored(folder, recipe.config, {"clip": segment(size=48, count=8)})
    return Stretch(
        config=recipe.config,
        phase=recipe.phases[0],
        number=0,
        library=library,
        training=samples,
        validation=(),
        weights={},
        seed=(1,),
        folder=folder,
        fingerprint="abc",
    )


def test_a_phase_that_only_lacks_its_end_ends_with_the_average(tmp_path: Path) -> None:
    """Killed after its last epoch, a phase that keeps an average still ends with it."""
    recipe = recipe_of(phase(ema=0.5, learning_rate=0.1, frozen=["backbone"]))
    network, given = new_network(recipe, Start()), stretch(tmp_path, recipe)
    freeze(network, ("backbone",))
    optimizer = make_optimizer(given.phase, 1, depth=4)
    variables = network.trainable_variables
    optimizer.build(variables)
    for _ in range(2):
        optimizer.apply([keras.ops.ones(variable.shape) for variable in variables], variables)
    save_state(tmp_path, Place(0, given.phase.epochs, "abc"), network, optimizer)
    optimizer.finalize_variable_values(variables)
    averages = [variable.numpy() for variable in variables]
    state = read_state(tmp_path)
    assert state is not None

    resumed = new_network(recipe, Start())
    fit(given, resumed, Log(tmp_path, lambda _: True), lambda _step: None, state)

    found = dict(zip([variable.path for variable in variables], averages, strict=True))
    weights = [weight for weight in resumed.weights if weight.path in found]
    assert weights
    for weight in weights:
        np.testing.assert_array_equal(weight.numpy(), found[weight.path])


def test_a_phase_in_which_nothing_can_learn_is_refused(tmp_path: Path) -> None:
    """The sentence names the phase that freezes everything."""
    recipe = recipe_of(phase(frozen=LAYERS))

    with pytest.raises(AvemotionError, match="Phase all freezes all that could learn") as caught:
        fit(
            stretch(tmp_path, recipe),
            new_network(recipe, Start()),
            Log(tmp_path, lambda _: True),
            lambda _step: None,
        )

    assert caught.value.code is ErrorCode.INVALID_RECIPE
