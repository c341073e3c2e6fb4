"""Tokens that look at the tokens of an encoder."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from worker.model.activation import gelu
from worker.model.attention import attend
from worker.model.block import LAYER_NORM_EPSILON, MLP_RATIO
from worker.model.token_dense import TokenDense


class CrossBlock(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Pre-norm block: attention from queries to a context, then an MLP, each added to the queries.

    Queries do not see each other, so one that must not count only has to be left out afterwards.
    """

    def __init__(self, width: int, heads: int, *, drop_path: float = 0.0, **kwargs: Any) -> None:
        """Take the sizes, and how often training skips a branch for a sample."""
        super().__init__(**kwargs)
        policy = self.dtype_policy
        self.width = width
        self.heads = heads
        self.norm1 = keras.layers.LayerNormalization(epsilon=LAYER_NORM_EPSILON, name="norm1", dtype=policy)
        self.context_norm = keras.layers.LayerNormalization(
            epsilon=LAYER_NORM_EPSILON, name="context_norm", dtype=policy
        )
        self.query = TokenDense(width, name="query", dtype=policy)
        self.key_value = TokenDense(2 * width, name="key_value", dtype=policy)
        self.projection = TokenDense(width, name="projection", dtype=policy)
        self.norm2 = keras.layers.LayerNormalization(epsilon=LAYER_NORM_EPSILON, name="norm2", dtype=policy)
        self.fc1 = TokenDense(MLP_RATIO * width, activation=gelu, name="fc1", dtype=policy)
        self.fc2 = TokenDense(width, name="fc2", dtype=policy)
        self.drop = keras.layers.Dropout(drop_path, noise_shape=(None, 1, 1), name="drop", dtype=policy)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights; queries and context have the same width."""
        for layer in (self.norm1, self.context_norm, self.query, self.key_value, self.projection, self.norm2):
            layer.build(input_shape)
        self.fc1.build(input_shape)
        self.fc2.build(self.fc1.compute_output_shape(input_shape))
        self.drop.build(input_shape)

    def call(
        self,
        queries: keras.KerasTensor,
        context: keras.KerasTensor,
        bias: keras.KerasTensor | None = None,
        training: bool | None = None,
    ) -> keras.KerasTensor:
        """Return queries of the same shape.

        Args:
            queries: (batch, queries, width).
            context: (batch, tokens, width).
            bias: From ``mask_bias``, where some of the context must not be looked at.
            training: Whether drop-path is on.
        """
        count, dim = queries.shape[1], self.width // self.heads
        query = ops.reshape(self.query(self.norm1(queries)), (-1, count, self.heads, dim))
        key_value = ops.reshape(
            self.key_value(self.context_norm(context)), (-1, context.shape[1], 2, self.heads, dim)
        )
        seen = attend(query, key_value[:, :, 0], key_value[:, :, 1], bias)
        seen = self.projection(ops.reshape(seen, (-1, count, self.width)))
        queries = queries + self.drop(seen, training=training)
        return queries + self.drop(self.fc2(self.fc1(self.norm2(queries))), training=training)
