"""One block of the encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from worker.model.activation import gelu
from worker.model.attention import Attention
from worker.model.token_dense import TokenDense

LAYER_NORM_EPSILON = 1e-6
MLP_RATIO = 4


class Block(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Pre-norm transformer block: attention, then an MLP, each added to what came in.

    Source: Dosovitskiy et al. 2021, with the drop-path of Huang et al. 2016.
    """

    def __init__(self, width: int, heads: int, *, drop_path: float = 0.0, **kwargs: Any) -> None:
        """Take the sizes, and how often training skips a branch for a sample."""
        super().__init__(**kwargs)
        policy = self.dtype_policy
        self.norm1 = keras.layers.LayerNormalization(epsilon=LAYER_NORM_EPSILON, name="norm1", dtype=policy)
        self.attention = Attention(width, heads, name="attention", dtype=policy)
        self.norm2 = keras.layers.LayerNormalization(epsilon=LAYER_NORM_EPSILON, name="norm2", dtype=policy)
        self.fc1 = TokenDense(MLP_RATIO * width, activation=gelu, name="fc1", dtype=policy)
        self.fc2 = TokenDense(width, name="fc2", dtype=policy)
        # One draw a sample, for all its tokens: this is drop-path.
        self.drop = keras.layers.Dropout(drop_path, noise_shape=(None, 1, 1), name="drop", dtype=policy)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights."""
        for layer in (self.norm1, self.attention, self.norm2, self.fc1, self.drop):
            layer.build(input_shape)
        self.fc2.build(self.fc1.compute_output_shape(input_shape))

    def call(
        self,
        lanes: Sequence[keras.KerasTensor],
        bias: keras.KerasTensor | None = None,
        training: bool | None = None,
    ) -> list[keras.KerasTensor]:
        """Return tokens of the same shapes.

        Args:
            lanes: The tokens in one or more parts, each (batch, tokens, width), see ``worker.model.lanes``.
            bias: From ``mask_bias``, where some tokens must not be looked at; of all parts in a row.
            training: Whether drop-path is on; takes one lane, since a sample is skipped as a whole.
        """
        seen = self.attention([self.norm1(tokens) for tokens in lanes], bias)
        return [
            self._transformed(tokens + self.drop(added, training=training), training)
            for tokens, added in zip(lanes, seen, strict=True)
        ]

    def _transformed(self, tokens: keras.KerasTensor, training: bool | None) -> keras.KerasTensor:
        return tokens + self.drop(self.fc2(self.fc1(self.norm2(tokens))), training=training)
