"""What is read from pooled features (batch, width): emotion, valence and arousal. Always in float32."""

from __future__ import annotations

import keras


def emotion_head(labels: int) -> keras.layers.Layer:
    """Return the layer to logits (batch, labels), whose softmax are the probabilities."""
    return keras.layers.Dense(labels, name="emotion", dtype="float32")


def affect_head() -> keras.layers.Layer:
    """Return the layer to valence and arousal, (batch, 2), each in [-1, 1]."""
    return keras.layers.Dense(2, activation="tanh", name="affect", dtype="float32")
