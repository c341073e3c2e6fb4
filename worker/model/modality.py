"""Which modalities a window has, and what follows from it for tokens, branches and training.

``present`` is bool (batch, 2) here, with the columns ``worker.fusion.layouts.AUDIO`` and ``VIDEO``.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from worker.fusion.layouts import BOTH
from worker.model.attention import HIDDEN_SCORE

MODALITIES = 2
TOKEN_KINDS = BOTH + 1


def token_presence(present: keras.KerasTensor, kinds: NDArray[np.int64]) -> keras.KerasTensor:
    """Return which tokens show something, bool (batch, tokens).

    Args:
        present: See above.
        kinds: From ``worker.fusion.layouts.token_modality``; a token of both is there if either is.
    """
    either = ops.any(present, axis=1, keepdims=True)
    return ops.take(ops.concatenate([present, either], axis=1), kinds, axis=1)


class ModalityEmbedding(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Adds to each token what is learned of the modality that it shows.

    It starts at zero: an encoder with imported weights then computes what it did where they were made.
    """

    def __init__(self, width: int, **kwargs: Any) -> None:
        """Take the numbers a token."""
        super().__init__(**kwargs)
        self.width = width

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the embedding: a row each for audio, video and tokens of both."""
        del input_shape
        self.embedding = self.add_weight(
            shape=(TOKEN_KINDS, self.width), initializer="zeros", name="embedding"
        )

    def call(self, tokens: keras.KerasTensor, kinds: NDArray[np.int64]) -> keras.KerasTensor:
        """Return tokens of the same shape, (batch, tokens, width).

        Args:
            tokens: See above.
            kinds: What each shows, (tokens,), from ``worker.fusion.layouts.token_modality``.
        """
        rows = ops.take(ops.convert_to_tensor(self.embedding), kinds, axis=0)
        return tokens + ops.cast(rows[None], tokens.dtype)


class ModalityWeights(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """How much the branches of late fusion count: learned, equal at the start."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create one score a modality."""
        del input_shape
        self.scores = self.add_weight(shape=(MODALITIES,), initializer="zeros", name="scores")

    def call(self, present: keras.KerasTensor | None) -> keras.KerasTensor:
        """Return weights, (batch, 2), or (1, 2) where everything is present (None).

        Those of what is present sum to 1; the others are 0.
        """
        scores = ops.convert_to_tensor(self.scores)[None]
        if present is None:
            return ops.softmax(scores)
        weights = ops.softmax(ops.where(present, scores, HIDDEN_SCORE))
        return weights * ops.cast(present, weights.dtype)


class ModalityDropout(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """In training, hides one modality of some samples that have both, so that each learns to do alone."""

    def __init__(self, rate: float, **kwargs: Any) -> None:
        """Take how often, 0 to 1. The draws follow ``keras.utils.set_random_seed``."""
        super().__init__(**kwargs)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, present: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """Return what is left of ``present``: at least one modality of each sample that has any."""
        if not training or not self.rate:
            return present
        draw = keras.random.uniform((ops.shape(present)[0], 1), seed=self.seed_generator)
        # One draw decides both whether and which: half of the rate falls to each modality.
        hidden = ops.concatenate(
            [draw < self.rate / 2, ops.logical_and(draw >= self.rate / 2, draw < self.rate)], axis=1
        )
        both = ops.all(present, axis=1, keepdims=True)
        return ops.logical_and(present, ops.logical_not(ops.logical_and(both, hidden)))
