"""How many threads TensorFlow computes with; it can be told before its first computation only."""

from __future__ import annotations

import tensorflow as tf


def limit_tensorflow(threads: int) -> None:
    """Let TensorFlow compute with so many threads; telling it the same again does nothing."""
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        # A forward is a chain: operations side by side would only compete.
        tf.config.threading.set_inter_op_parallelism_threads(1)
