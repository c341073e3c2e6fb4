"""Multi-head self-attention."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

# TensorFlow has no fused attention: all scores at once would be the largest tensor by far. In chunks
# of a quarter of a 16x224 clip they stay in the cache: less memory, and faster.
QUERY_CHUNK_TOKENS = 392


class Attention(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Multi-head self-attention with one fused projection to queries, keys and values.

    Checkpoints have a bias for queries and values only. The softmax does not see a key bias, so one
    bias with zeros in its middle third is the same.
    """

    def __init__(self, width: int, heads: int, **kwargs: Any) -> None:
        """Take the values a token and the heads that share them."""
        super().__init__(**kwargs)
        self.width = width
        self.heads = heads
        self.qkv = keras.layers.Dense(3 * width, name="qkv", dtype=self.dtype_policy)
        self.projection = keras.layers.Dense(width, name="projection", dtype=self.dtype_policy)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights."""
        self.qkv.build(input_shape)
        self.projection.build(input_shape)

    def call(self, tokens: keras.KerasTensor) -> keras.KerasTensor:
        """Return tokens (batch, tokens, width) that have looked at each other."""
        count = tokens.shape[1]
        qkv = ops.reshape(self.qkv(tokens), (-1, count, 3, self.heads, self.width // self.heads))
        attend = attend_in_chunks if keras.backend.backend() == "tensorflow" else ops.dot_product_attention
        seen = attend(qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2])
        return self.projection(ops.reshape(seen, (-1, count, self.width)))


def attend_in_chunks(
    query: keras.KerasTensor,
    key: keras.KerasTensor,
    value: keras.KerasTensor,
    chunk_tokens: int = QUERY_CHUNK_TOKENS,
) -> keras.KerasTensor:
    """Return softmax(query key^T / sqrt(dim)) value, computed for some queries at a time.

    The same as ``keras.ops.dot_product_attention``; the number of tokens must be known.

    Args:
        query: (batch, tokens, heads, dim), as are the other two and the result.
        key: See ``query``.
        value: See ``query``.
        chunk_tokens: Queries at a time.
    """
    _, tokens, _, dim = query.shape
    query = ops.transpose(query, (0, 2, 1, 3)) * dim**-0.5
    key = ops.transpose(key, (0, 2, 3, 1))
    value = ops.transpose(value, (0, 2, 1, 3))
    chunks = [
        ops.matmul(ops.softmax(ops.matmul(query[:, :, start : start + chunk_tokens], key)), value)
        for start in range(0, tokens, chunk_tokens)
    ]
    return ops.transpose(ops.concatenate(chunks, axis=2), (0, 2, 1, 3))
