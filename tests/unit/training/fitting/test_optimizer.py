from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from tests.unit.model.mini_networks import mini_network
from training.fitting.optimizer import LayerwiseAdamW, make_optimizer
from training.fitting.recipe import Phase
from training.fitting.trainee import freeze
from worker.model.weights import weights_by_name


def phase(**changes: object) -> Phase:
    return Phase.model_validate({"name": "all", "epochs": 10, "learning_rate": 0.1, **changes})


def steps(optimizer: LayerwiseAdamW, variables: list[keras.Variable], gradient: float) -> list[float]:
    """Return how far one step takes each variable, on average over its values."""
    before = [ops.convert_to_numpy(variable.value).copy() for variable in variables]
    optimizer.apply([ops.full(variable.shape, gradient) for variable in variables], variables)
    return [
        float(np.abs(ops.convert_to_numpy(variable.value) - old).mean())
        for variable, old in zip(variables, before, strict=True)
    ]


def test_earlier_blocks_learn_slower() -> None:
    """With a decay of one half, each block moves half as far as the next; heads move at the full rate."""
    network = mini_network("early audio-first")
    weights = weights_by_name(network)
    names = (
        "backbone/patch_embedding/projection/bias", "backbone/block_0/fc1/bias", "backbone/block_1/fc1/bias",
        "backbone/fc_norm/beta", "emotion/bias",
    )  # fmt: skip
    optimizer = make_optimizer(phase(warmup_epochs=0, layer_decay=0.5, weight_decay=0), 10, depth=2)
    variables = [weights[name] for name in names]
    optimizer.build(variables)

    moved = steps(optimizer, variables, 1e-3)

    np.testing.assert_allclose(np.array(moved) / moved[-1], [0.125, 0.25, 0.5, 1, 1], rtol=1e-3)


def test_kernels_decay_and_biases_do_not() -> None:
    """Weight decay shrinks matrices, also those of a patch embedding; norms and biases stay."""
    network = mini_network("early audio-first")
    weights = weights_by_name(network)
    names = (
        "backbone/patch_embedding/projection/kernel",
        "emotion/kernel",
        "emotion/bias",
        "modality/embedding",
    )
    optimizer = make_optimizer(phase(warmup_epochs=0, weight_decay=0.5), 10, depth=2)
    variables = [weights[name] for name in names]
    optimizer.build(variables)

    moved = steps(optimizer, variables, 0.0)

    assert moved[0] > 0
    assert moved[1] > 0
    assert moved[2:] == [0, 0]


def test_the_rate_warms_up_and_falls_along_a_cosine() -> None:
    """From little to the peak in the warm-up, and to the final share at the end."""
    optimizer = make_optimizer(phase(warmup_epochs=2, final_learning_rate=0.1), 10, depth=2)
    rates = [float(ops.convert_to_numpy(optimizer._learning_rate(step))) for step in range(101)]

    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == pytest.approx(rates[20])
    assert rates[20] == pytest.approx(0.1)
    assert rates[100] == pytest.approx(0.01)
    assert rates[60] == pytest.approx(0.055, rel=0.02)


def test_frozen_weights_do_not_learn() -> None:
    """Names freeze whole parts; what is not named learns again."""
    network = mini_network("early audio-first")
    everything = freeze(network, ())

    learning = freeze(network, ("backbone", "modality"))

    assert learning == 4
    assert everything == len(network.weights)
    assert {weight.path.split("/")[0] for weight in network.trainable_variables} == {"emotion", "affect"}
    assert freeze(network, ("back",)) == everything
