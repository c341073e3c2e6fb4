"""What training makes smaller."""

from __future__ import annotations

from collections.abc import Mapping

import keras
from keras import ops

_EPSILON = 1e-6


def training_loss(
    targets: Mapping[str, keras.KerasTensor], outputs: Mapping[str, keras.KerasTensor], affect_weight: float
) -> keras.KerasTensor:
    """Return cross-entropy of emotion plus, weighted, the loss of valence and arousal; targets may lack any.

    Args:
        targets: See ``training.fitting.targets.Targets``.
        outputs: Of the network.
        affect_weight: Of valence and arousal.
    """
    entropy = keras.losses.categorical_crossentropy(targets["emotion"], outputs["logits"], from_logits=True)
    weight = targets["emotion_weight"]
    emotion = ops.sum(entropy * weight) / (ops.sum(weight) + _EPSILON)
    said = ops.stack([outputs["valence"], outputs["arousal"]], axis=1)
    return emotion + affect_weight * affect_loss(targets["affect"], said, targets["affect_weight"])


def affect_loss(
    true: keras.KerasTensor, said: keras.KerasTensor, known: keras.KerasTensor
) -> keras.KerasTensor:
    """Return the mean of squared error and 1 - CCC (Lin 1989) over what is known; 0 where nothing is.

    Args:
        true: Valence and arousal, (N, 2).
        said: The same, as the network has it.
        known: 1 where ``true`` counts, else 0.
    """
    count = ops.sum(known, axis=0)
    total = ops.maximum(count, 1.0)
    mean_true = ops.sum(true * known, axis=0) / total
    mean_said = ops.sum(said * known, axis=0) / total
    away_true, away_said = (true - mean_true) * known, (said - mean_said) * known
    square = ops.sum((true - said) ** 2 * known, axis=0) / total
    spread = (ops.sum(away_true**2, axis=0) + ops.sum(away_said**2, axis=0)) / total
    shared = ops.sum(away_true * away_said, axis=0) / total
    concordance = (2 * shared + _EPSILON) / (spread + (mean_true - mean_said) ** 2 + _EPSILON)
    # Of one or two windows there is no correlation to speak of.
    some = ops.cast(count > 2, square.dtype)  # noqa: PLR2004
    return ops.mean(square / 2 + some * (1 - concordance) / 2)
