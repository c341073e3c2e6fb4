from __future__ import annotations

import keras
import numpy as np
import pytest

from training.datasets.sample import Sample
from training.fitting.losses import affect_loss, training_loss
from training.fitting.targets import Targets, class_weights_of, targets_of

LABELS = ("anger", "neutral", "sadness")


def sample(emotions: dict[str, float] | None, valence: float | None = None) -> Sample:
    return Sample("x", "d", emotions=emotions, valence=valence)


def test_a_tie_is_shared() -> None:
    """Two emotions with a half each are a target of two halves."""
    targets = targets_of([sample({"anger": 0.5, "sadness": 0.5})], LABELS, 0, {})

    assert targets.emotion.tolist() == [[0.5, 0, 0.5]]


def test_smoothing_spreads_a_share_over_all_labels() -> None:
    """A label's share is taken from it and spread; the sum stays 1."""
    targets = targets_of([sample({"anger": 1})], LABELS, 0.3, {})

    np.testing.assert_allclose(targets.emotion, [[0.8, 0.1, 0.1]], rtol=1e-6)


def test_what_is_not_known_has_no_weight() -> None:
    """A sample without a label, or without valence, counts for what it has."""
    targets = targets_of([sample(None, valence=0.5), sample({"anger": 1})], LABELS, 0.1, {})

    assert targets.emotion_weight.tolist() == [0, 1]
    assert targets.affect_weight.tolist() == [[1, 0], [0, 0]]
    assert targets.affect[0, 0] == 0.5


def test_rare_classes_weigh_more() -> None:
    """At a balance of 1 each class counts alike; weights are 1 on average."""
    samples = [sample({"anger": 1})] * 9 + [sample({"neutral": 1})]

    weights = class_weights_of(samples, 1)

    assert weights["neutral"] == pytest.approx(9 * weights["anger"])
    assert (9 * weights["anger"] + weights["neutral"]) / 10 == pytest.approx(1)
    assert set(class_weights_of(samples, 0).values()) == {1.0}


def test_mixed_targets_know_what_both_knew() -> None:
    """A window mixed from one with and one without valence has none."""
    targets = targets_of([sample({"anger": 1}, 0.5), sample({"neutral": 1})], LABELS, 0, {})

    mixed = targets.mixed(np.array([1, 0]), 0.75)

    np.testing.assert_allclose(mixed.emotion, [[0.75, 0.25, 0], [0.25, 0.75, 0]])
    assert not mixed.affect_weight.any()


def outputs(logits: list[list[float]], affect: float = 0.0) -> dict[str, keras.KerasTensor]:
    column = keras.ops.full((len(logits),), affect)
    return {"logits": keras.ops.convert_to_tensor(logits), "valence": column, "arousal": column}


def loss_of(targets: Targets, said: dict[str, keras.KerasTensor], affect_weight: float = 1.0) -> float:
    given = {name: keras.ops.convert_to_tensor(array) for name, array in targets.arrays().items()}
    return float(keras.ops.convert_to_numpy(training_loss(given, said, affect_weight)))


def test_samples_without_a_label_do_not_count() -> None:
    """The loss of a labelled window is the same beside one without a label or measures."""
    labelled = targets_of([sample({"anger": 1})], LABELS, 0, {})
    both = targets_of([sample({"anger": 1}), sample(None)], LABELS, 0, {})

    alone = loss_of(labelled, outputs([[2.0, 0, 0]]))

    assert loss_of(both, outputs([[2.0, 0, 0], [-5.0, 9, 9]], affect=0.9)) == pytest.approx(alone, rel=1e-5)
    assert alone == pytest.approx(-np.log(np.exp(2) / (np.exp(2) + 2)), rel=1e-5)


def test_concordance_and_error_make_the_loss_of_affect() -> None:
    """What is right costs nothing; the wrong sign costs more than a constant."""
    generator = np.random.default_rng(0)
    true = generator.uniform(-1, 1, (64, 2)).astype(np.float32)
    known = np.ones_like(true)

    right, flat, wrong = (
        float(keras.ops.convert_to_numpy(affect_loss(*map(keras.ops.convert_to_tensor, (true, said, known)))))
        for said in (true, np.zeros_like(true), -true)
    )

    assert right == pytest.approx(0, abs=1e-5)
    assert right < flat < wrong


def test_nothing_known_costs_nothing() -> None:
    """Without any annotation the loss of affect is 0, and finite."""
    nothing = keras.ops.zeros((4, 2))

    assert float(keras.ops.convert_to_numpy(affect_loss(nothing, nothing + 0.5, nothing))) == 0
