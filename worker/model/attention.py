"""Multi-head self-attention."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

# TensorFlow has no fused attention: all scores at once would be the largest tensor by far. In chunks
# of a quarter of a 16x224 clip they stay in the cache: less memory, and faster.
QUERY_CHUNK_TOKENS = 392
# Far below any score, far above the least number of bfloat16 and float16.
HIDDEN_SCORE = -3e4


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

    def call(self, tokens: keras.KerasTensor, bias: keras.KerasTensor | None = None) -> keras.KerasTensor:
        """Return tokens (batch, tokens, width) that have looked at each other.

        Args:
            tokens: (batch, tokens, width).
            bias: From ``mask_bias``, where some tokens must not be looked at.
        """
        count = tokens.shape[1]
        qkv = ops.reshape(self.qkv(tokens), (-1, count, 3, self.heads, self.width // self.heads))
        seen = attend(qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2], bias)
        return self.projection(ops.reshape(seen, (-1, count, self.width)))


def mask_bias(mask: keras.KerasTensor, dtype: str) -> keras.KerasTensor:
    """Return what hides tokens: 0 where ``mask`` (batch, tokens) is true, very low elsewhere.

    Shaped (batch, 1, 1, tokens), to be added to scores. Finite: a sample of which nothing may be seen
    gives numbers that mean nothing, not NaN.
    """
    return ops.cast(ops.where(mask, 0.0, HIDDEN_SCORE), dtype)[:, None, None, :]


def attend(
    query: keras.KerasTensor,
    key: keras.KerasTensor,
    value: keras.KerasTensor,
    bias: keras.KerasTensor | None = None,
) -> keras.KerasTensor:
    """Return softmax(query key^T / sqrt(dim) + bias) value, in the way that suits the backend.

    Args:
        query: (batch, queries, heads, dim), as is the result.
        key: (batch, tokens, heads, dim).
        value: See ``key``.
        bias: Added to the scores; broadcasts to (batch, heads, queries, tokens).
    """
    if keras.backend.backend() == "tensorflow":
        return attend_in_chunks(query, key, value, bias)
    return ops.dot_product_attention(query, key, value, bias=bias)


def attend_in_chunks(
    query: keras.KerasTensor,
    key: keras.KerasTensor,
    value: keras.KerasTensor,
    bias: keras.KerasTensor | None = None,
    chunk_tokens: int = QUERY_CHUNK_TOKENS,
) -> keras.KerasTensor:
    """Return what ``attend`` does, computed for some queries at a time; their number must be known.

    Args:
        query: See ``attend``, as for the next three.
        key: See above.
        value: See above.
        bias: See above.
        chunk_tokens: Queries at a time.
    """
    _, queries, _, dim = query.shape
    query = ops.transpose(query, (0, 2, 1, 3)) * dim**-0.5
    key = ops.transpose(key, (0, 2, 3, 1))
    value = ops.transpose(value, (0, 2, 1, 3))
    chunks = []
    for start in range(0, queries, chunk_tokens):
        scores = ops.matmul(query[:, :, start : start + chunk_tokens], key)
        weights = ops.softmax(scores if bias is None else scores + bias)
        chunks.append(ops.matmul(weights, value))
    return ops.transpose(ops.concatenate(chunks, axis=2), (0, 2, 1, 3))
