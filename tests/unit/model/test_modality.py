from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from tests.unit.model.mini_networks import (
    KINDS,
    PRESENT,
    fixed_network,
    inputs_of,
    mini_network,
    rows_of,
    run,
)
from worker.model.modality import ModalityDropout, ModalityWeights, token_presence

WINDOWS = 4000


def dropped(rate: float, present: tuple[int, int], seed: int = 0) -> NDArray[np.bool_]:
    """Return what dropout in training leaves of many windows of one kind."""
    keras.utils.set_random_seed(seed)
    layer = ModalityDropout(rate)
    return np.array(layer(np.full((WINDOWS, 2), present, bool), training=True))


def test_dropout_hides_one_of_two() -> None:
    """In training, a share of complete windows loses sound or face, the one as often as the other."""
    left = dropped(0.3, (1, 1))

    assert left.any(axis=1).all()
    np.testing.assert_allclose((~left).mean(axis=0), [0.15, 0.15], atol=0.02)


@pytest.mark.parametrize("present", [(1, 0), (0, 1), (0, 0)])
def test_dropout_leaves_what_stands_alone(present: tuple[int, int]) -> None:
    """A window that has one modality keeps it, at any rate."""
    np.testing.assert_array_equal(dropped(1.0, present), np.full((WINDOWS, 2), present, bool))


def test_dropout_is_for_training_only() -> None:
    """Outside training, and at a rate of 0, nothing is hidden."""
    complete = np.ones((100, 2), bool)

    for training in (False, None):
        np.testing.assert_array_equal(ModalityDropout(1.0)(complete, training=training), complete)
    np.testing.assert_array_equal(dropped(0.0, (1, 1)), np.ones((WINDOWS, 2), bool))
    assert (dropped(1.0, (1, 1)).sum(axis=1) == 1).all()


def test_dropout_follows_the_seed() -> None:
    """The same seed hides the same; the next batch and another seed hide others."""
    first, again, other = dropped(0.5, (1, 1), 1), dropped(0.5, (1, 1), 1), dropped(0.5, (1, 1), 2)
    layer = ModalityDropout(0.5)
    batches = [np.array(layer(np.ones((100, 2), bool), training=True)) for _ in range(2)]

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (batches[0] != batches[1]).any()


@pytest.mark.parametrize("variant", KINDS)
def test_networks_train_on_what_is_left(variant: str) -> None:
    """With modality dropout on, a complete window is scored as one of those that lack something."""
    network = mini_network(variant, modality_dropout=1.0)
    inputs = inputs_of(network, 8)
    alone = [run(network, {**inputs, "present": PRESENT[[case] * 8]}) for case in (1, 2)]

    trained = run(network, inputs, training=True, masked=False)

    cases = set()
    for index in range(8):
        distances = [np.abs(rows_of(trained, index) - rows_of(one, index)).max() for one in alone]
        assert min(distances) < 1e-5
        cases.add(int(np.argmin(distances)))
    assert cases == {0, 1}
    np.testing.assert_array_equal(run(network, inputs)["logits"], run(network, inputs)["logits"])


@pytest.mark.parametrize("variant", KINDS)
def test_drop_path_reaches_the_blocks(variant: str) -> None:
    """Drop-path makes training calls differ, and no others."""
    network = mini_network(variant, drop_path=0.9)
    inputs = inputs_of(network, 4)
    serving = fixed_network(variant)

    trained = [run(network, inputs, training=True)["logits"] for _ in range(4)]

    assert any((trained[0] != other).any() for other in trained[1:])
    np.testing.assert_array_equal(run(network, inputs)["logits"], run(serving, inputs)["logits"])


@pytest.mark.parametrize("variant", KINDS)
def test_every_weight_learns(variant: str) -> None:
    """Each weight gets a finite gradient that is not zero, also beside windows that lack something."""
    network = mini_network(variant)
    inputs = {**inputs_of(network), "present": PRESENT}
    if "series" in inputs:
        inputs["series"][1:3] = np.nan
        inputs["log_mel"][2:] = np.nan

    with tf.GradientTape() as tape:
        outputs = network(inputs, training=True)
        loss = sum(keras.ops.sum(output**2) for output in outputs.values())
    gradients = tape.gradient(loss, [weight.value for weight in network.trainable_weights])

    for weight, gradient in zip(network.trainable_weights, gradients, strict=True):
        values = np.array(tf.convert_to_tensor(gradient))
        assert np.isfinite(values).all(), weight.path
        assert values.any(), weight.path


def test_tokens_of_both_need_either() -> None:
    """A token is there if what it shows is; one that shows both, if either is."""
    kinds = np.array([0, 1, 2, 1])

    there = token_presence(keras.ops.convert_to_tensor(PRESENT.astype(bool)), kinds)

    np.testing.assert_array_equal(there, [[1, 1, 1, 1], [1, 0, 1, 0], [0, 1, 1, 1], [0, 0, 0, 0]])


def test_weights_stay_sane_at_the_extremes() -> None:
    """However sure of one branch the weights are, the other takes over where it is missing."""
    layer = ModalityWeights()
    layer.build(())
    layer.scores.assign([90.0, -90.0])

    found = layer(keras.ops.convert_to_tensor(PRESENT.astype(bool)))

    np.testing.assert_allclose(found, [[1, 0], [1, 0], [0, 1], [0, 0]], atol=1e-6)
