"""What is read from pooled features (batch, width): emotion, valence and arousal. Always in float32."""

from __future__ import annotations

import keras
from keras import ops

AFFECTS = ("valence", "arousal")


def emotion_head(labels: int, name: str = "emotion") -> keras.layers.Layer:
    """Return the layer to logits (batch, labels), whose softmax are the probabilities."""
    return keras.layers.Dense(labels, name=name, dtype="float32")


def affect_head(name: str = "affect") -> keras.layers.Layer:
    """Return the layer to (batch, 2), whose tanh are valence and arousal."""
    return keras.layers.Dense(len(AFFECTS), name=name, dtype="float32")


def outputs(logits: keras.KerasTensor, affect: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
    """Return a network's outputs by name.

    Args:
        logits: (batch, labels).
        affect: Before its tanh, (batch, 2).

    Returns:
        ``logits`` (batch, labels), and ``valence`` and ``arousal``, (batch,) in [-1, 1].
    """
    bounded = ops.tanh(affect)
    return {"logits": logits, **{name: bounded[:, column] for column, name in enumerate(AFFECTS)}}
