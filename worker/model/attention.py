"""Multi-head self-attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from worker.model.token_dense import TokenDense

# TensorFlow has no fused attention: all scores at once would be the largest tensor by far. Those of one
# head and a quarter of a 16x224 clip's queries stay in a core's cache.
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
        self.qkv = TokenDense(3 * width, name="qkv", dtype=self.dtype_policy)
        self.projection = TokenDense(width, name="projection", dtype=self.dtype_policy)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights."""
        self.qkv.build(input_shape)
        self.projection.build(input_shape)

    def call(
        self, lanes: Sequence[keras.KerasTensor], bias: keras.KerasTensor | None = None
    ) -> list[keras.KerasTensor]:
        """Return tokens that have looked at those of all lanes, in the same shapes.

        Args:
            lanes: Each (batch, tokens, width), see ``worker.model.lanes``.
            bias: From ``mask_bias``, where some tokens must not be looked at.
        """
        queries, keys, values = zip(*(self._projected(tokens) for tokens in lanes), strict=True)
        key, value = (ops.concatenate(parts, axis=1) for parts in (keys, values))
        return [self.projection(_joined(attend(query, key, value, bias))) for query in queries]

    def _projected(self, tokens: keras.KerasTensor) -> list[keras.KerasTensor]:
        """Return queries, keys and values, each (batch, tokens, heads, dim)."""
        heads = (3, self.heads, self.width // self.heads)
        return list(ops.unstack(ops.reshape(self.qkv(tokens), (-1, tokens.shape[1], *heads)), axis=2))


def _joined(heads: keras.KerasTensor) -> keras.KerasTensor:
    """Return (batch, tokens, width) of (batch, tokens, heads, dim)."""
    return ops.reshape(heads, (-1, heads.shape[1], heads.shape[2] * heads.shape[3]))


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
    """Return softmax(query key^T / sqrt(dim) + bias) value, in the way that suits backend and device.

    Args:
        query: (batch, queries, heads, dim), as is the result.
        key: (batch, tokens, heads, dim).
        value: See ``key``.
        bias: Added to the scores, (batch, 1, 1, tokens).
    """
    if keras.backend.backend() != "tensorflow":
        return ops.dot_product_attention(query, key, value, bias=bias)
    if keras.distribution.list_devices("gpu"):
        return _attend_whole(query, key, value, bias)
    return attend_in_chunks(query, key, value, bias)


def attend_in_chunks(
    query: keras.KerasTensor,
    key: keras.KerasTensor,
    value: keras.KerasTensor,
    bias: keras.KerasTensor | None = None,
    chunk_tokens: int = QUERY_CHUNK_TOKENS,
) -> keras.KerasTensor:
    """Return what ``attend`` does, one head and some queries at a time; their number must be known.

    Args:
        query: See ``attend``, as for the next three.
        key: See above.
        value: See above.
        bias: See above.
        chunk_tokens: Queries at a time.
    """
    batch, queries, _, dim = query.shape
    query = ops.transpose(query, (0, 2, 1, 3)) * dim**-0.5
    key = ops.transpose(key, (0, 2, 3, 1))
    value = ops.transpose(value, (0, 2, 1, 3))
    if bias is not None:
        # As one more term of each product: an addition to all scores takes as long again in bfloat16.
        query = ops.concatenate([query, ops.ones_like(query[..., :1])], axis=-1)
        key = ops.concatenate([key, ops.zeros_like(key[:, :, :1]) + bias], axis=-2)
    if batch == 1:
        # Products of plain matrices are a quarter faster in float32 than those of a batch of one.
        query, key, value = query[0], key[0], value[0]
    seen = []
    for one_query, one_key, one_value in zip(
        *(ops.unstack(part, axis=-3) for part in (query, key, value)), strict=True
    ):
        chunks = [
            _weigh(one_query[..., at : at + chunk_tokens, :], one_key, one_value)
            for at in range(0, queries, chunk_tokens)
        ]
        seen.append(ops.concatenate(chunks, axis=-2))
    heads = ops.stack(seen, axis=-2)
    return heads[None] if batch == 1 else heads


def _attend_whole(
    query: keras.KerasTensor,
    key: keras.KerasTensor,
    value: keras.KerasTensor,
    bias: keras.KerasTensor | None,
) -> keras.KerasTensor:
    """Return what ``attend`` does, all at once: a GPU wants few large products."""
    query = ops.transpose(query, (0, 2, 1, 3)) * query.shape[-1] ** -0.5
    seen = _weigh(query, ops.transpose(key, (0, 2, 3, 1)), ops.transpose(value, (0, 2, 1, 3)), bias)
    return ops.transpose(seen, (0, 2, 1, 3))


def _weigh(
    query: keras.KerasTensor,
    key: keras.KerasTensor,
    value: keras.KerasTensor,
    bias: keras.KerasTensor | None = None,
) -> keras.KerasTensor:
    """Return softmax(query key + bias) value, of queries that are scaled and keys that are transposed."""
    scores = ops.matmul(query, key)
    return ops.matmul(ops.softmax(scores if bias is None else scores + bias), value)
