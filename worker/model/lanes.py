"""Tokens in lanes: a core takes one through the blocks from end to end.

TensorFlow shares each operation out over the threads, and all wait for the last of them; in bfloat16 an
operation is so short that a second core saves nothing. A lane meets the others in attention only, where
keys and values of all are needed, and its tokens stay in the cache of the core that computes them.
"""

from __future__ import annotations

from collections.abc import Iterable

import keras
from keras import ops

from worker.model.block import Block

# Fewer rows than this make a product slower: each core reads all weights.
LEAST_TOKENS = 98


def run_blocks(
    blocks: Iterable[Block],
    tokens: keras.KerasTensor,
    bias: keras.KerasTensor | None = None,
    *,
    training: bool | None = None,
    lanes: int | None = None,
) -> keras.KerasTensor:
    """Return tokens (batch, tokens, width) after all blocks, in the same shape.

    Args:
        blocks: In their order.
        tokens: Their number must be known where there are several lanes.
        bias: From ``mask_bias``, where some tokens must not be looked at.
        training: Whether drop-path is on.
        lanes: In how many parts; as many as suit backend and device when None.
    """
    if lanes is None:
        lanes = 1 if training else count_lanes(tokens.shape[1])
    parts = [tokens] if lanes == 1 else ops.split(tokens, _cuts(tokens.shape[1], lanes), axis=1)
    for block in blocks:
        parts = block(parts, bias, training=training)
    return parts[0] if lanes == 1 else ops.concatenate(parts, axis=1)


def count_lanes(tokens: int) -> int:
    """Return how many lanes suit so many tokens here: one a thread on TensorFlow's CPU, or one."""
    if keras.backend.backend() != "tensorflow" or keras.distribution.list_devices("gpu"):
        return 1
    import tensorflow as tf  # noqa: PLC0415 - other backends do without

    # Operations that may run at a time; 0 where nobody has said.
    threads = int(tf.config.threading.get_inter_op_parallelism_threads())
    return max(1, min(threads, tokens // LEAST_TOKENS))


def _cuts(tokens: int, lanes: int) -> list[int]:
    """Return where lanes begin, but the first; they differ by one token at most."""
    return [tokens * lane // lanes for lane in range(1, lanes)]
