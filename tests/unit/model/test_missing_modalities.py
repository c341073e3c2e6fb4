"""What a window does not have must not count."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from tests.unit.model.mini_networks import (
    PRESENT,
    VARIANTS,
    Inputs,
    fixed_network,
    inputs_of,
    mini_network,
    run,
    spoil,
)
from tests.unit.model.minis import randomise
from worker.fusion.layouts import BOTH, token_modality
from worker.model.networks import Network
from worker.model.pixels import normalise

WORST = (np.nan, np.inf, -3e38)
BOTH_PRESENT, NO_FACE, NO_SOUND, NOTHING = range(4)


def garbage_of(network: Network) -> Inputs:
    """Return the four cases of ``PRESENT`` for each kind of garbage: noise, and the worst of numbers."""
    noise = inputs_of(network, seed=1)
    return {
        name: np.concatenate(
            [array, *(np.full_like(array, 255 if array.dtype == np.uint8 else worst) for worst in WORST)]
        )
        for name, array in noise.items()
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_missing_changes_nothing(variant: str) -> None:
    """Whatever stands in the inputs of a missing modality, the outputs are the same to the last bit."""
    network = fixed_network(variant)
    given = {**inputs_of(network), "present": PRESENT}
    inputs = {name: np.concatenate([array] * (1 + len(WORST))) for name, array in given.items()}

    clean = run(network, inputs)
    spoilt = run(network, spoil(inputs, network.config, garbage_of(network)))

    for name, output in clean.items():
        np.testing.assert_array_equal(spoilt[name], output, err_msg=name)
        assert np.isfinite(output).all()


@pytest.mark.parametrize("variant", ["early stacked", "hybrid stacked"])
def test_wild_weights_show_nothing_either(variant: str) -> None:
    """Scores so large that no mask could outweigh them still find nothing where a modality is missing."""
    network = mini_network(variant)
    randomise(network, scale=30)
    inputs = {**inputs_of(network), "present": PRESENT}

    clean = run(network, inputs)
    spoilt = run(network, spoil(inputs, network.config, inputs_of(network, seed=1)))

    np.testing.assert_array_equal(spoilt["logits"], clean["logits"])


@pytest.mark.parametrize("variant", ["late logits", "late features"])
def test_a_branch_that_overflows_spoils_its_own_windows_only(variant: str) -> None:
    """What is not finite in the branch of a missing modality does not come through."""
    network = mini_network(variant)
    [broken] = [weight for weight in network.weights if weight.path == "audio_backbone/fc_norm/gamma"]
    broken.assign(np.full(24, np.inf))

    logits = run(network, {**inputs_of(network), "present": PRESENT})["logits"]

    finite = np.isfinite(logits).all(axis=1)
    np.testing.assert_array_equal(finite, [False, False, True, True])


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_present_counts(variant: str) -> None:
    """One window says something else with both modalities, with either and with none."""
    network = fixed_network(variant)
    window = inputs_of(network, 1)
    inputs = {name: array.repeat(len(PRESENT), axis=0) for name, array in window.items()}

    outputs = run(network, {**inputs, "present": PRESENT})

    told_apart = np.unique(np.round(outputs["logits"], 3), axis=0)
    # Summed pictures show what there is by themselves: nothing in them is hidden where one is missing.
    assert len(told_apart) == (2 if variant == "early summed" else 4)


@pytest.mark.parametrize("layout", ["audio-first", "stacked", "alternating", "random"])
@pytest.mark.parametrize("window", [NO_FACE, NO_SOUND])
def test_hidden_tokens_are_as_good_as_gone(layout: str, window: int) -> None:
    """A sequence with a modality hidden gives what its other tokens give by themselves."""
    network = fixed_network(f"early {layout}")
    inputs = {**inputs_of(network, 1), "present": PRESENT[[window]]}

    outputs = run(network, inputs)

    kinds = token_modality(network.config)
    frames = normalise(inputs["frames"], network.config.normalisation)
    tokens = keras.ops.convert_to_numpy(network.modality(network.backbone.embed(frames), kinds))
    there = np.array([*PRESENT[window], 1])[kinds] > 0
    assert BOTH not in kinds
    pooled = network.backbone.pool(network.backbone.encode(ops.convert_to_tensor(tokens[:, there])))
    np.testing.assert_allclose(outputs["logits"], network.emotion(pooled), atol=2e-5)
    np.testing.assert_allclose(outputs["valence"], ops.tanh(network.affect(pooled))[:, 0], atol=2e-5)


@pytest.mark.parametrize("variant", ["late logits", "late features", "late shared"])
@pytest.mark.parametrize("window", [NO_FACE, NO_SOUND])
def test_a_missing_branch_leaves_its_weight_to_the_other(variant: str, window: int) -> None:
    """Late fusion of one modality is that modality's branch, at full weight."""
    network = mini_network(variant)
    if network.config.join == "logits":
        # Learned to look at the one that is missing.
        network.modality.scores.assign(np.where(PRESENT[window], 0, 4))
    inputs = {**inputs_of(network, 1), "present": PRESENT[[window]]}

    outputs = run(network, inputs)

    branch = int(np.argmax(PRESENT[window]))
    frames = normalise(inputs[("images", "faces")[branch]], network.config.normalisation)
    features = network.backbones[branch % len(network.backbones)](frames)["pooled"]
    if network.config.join == "features":
        features = keras.activations.gelu(network.projections[branch](features))
    head = branch % len(network.emotions)
    np.testing.assert_allclose(outputs["logits"], network.emotions[head](features), atol=1e-5)
    arousal = ops.tanh(network.affects[head](features))[:, 1]
    np.testing.assert_allclose(outputs["arousal"], arousal, atol=1e-5)


@pytest.mark.parametrize("layout", ["audio-first", "summed"])
def test_nothing_to_look_at_adds_nothing(layout: str) -> None:
    """Hybrid fusion with neither sound nor a known measure is early fusion, exactly."""
    hybrid, early = mini_network(f"hybrid {layout}"), mini_network(f"early {layout}")
    weights = {weight.path: weight for weight in hybrid.weights}
    for weight in early.weights:
        weight.assign(weights[weight.path].numpy())
    inputs = {**inputs_of(hybrid, 2), "present": PRESENT[[NO_SOUND, NOTHING]]}
    inputs["series"][:] = np.nan

    found = run(hybrid, inputs)
    expected = run(early, {name: inputs[name] for name in early.signature})

    for name, output in expected.items():
        np.testing.assert_array_equal(found[name], output)
