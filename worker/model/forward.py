"""The network as one compiled function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.float32]]


class Forward:
    """A network as a TensorFlow graph that is traced once, for any batch."""

    def __init__(self, network: keras.Model) -> None:
        """Take the network; the graph is made at the first call."""
        signature = {given.name: tf.TensorSpec(given.shape, given.dtype) for given in network.inputs}
        # No XLA: on a CPU it nearly triples the time of a bfloat16 clip.
        self._function: Callable[[Any], Any] = tf.function(
            lambda inputs: _outputs(network, inputs),
            input_signature=[signature],
            autograph=False,
            jit_compile=False,
        )

    def __call__(self, inputs: Mapping[str, NDArray[np.uint8]]) -> Arrays:
        """Return the network's outputs, with ``probabilities`` in place of ``logits``."""
        outputs = self._function({name: tf.constant(array) for name, array in inputs.items()})
        return {name: output.numpy() for name, output in outputs.items()}

    @property
    def traces(self) -> int:
        """How often the graph was made; more than once means that calls are slow."""
        return int(self._function.experimental_get_tracing_count())  # type: ignore[attr-defined]


def _outputs(network: keras.Model, inputs: Any) -> dict[str, Any]:
    outputs = dict(network(inputs, training=False))
    return {"probabilities": keras.ops.softmax(outputs.pop("logits")), **outputs}


def limit_threads(threads: int) -> None:
    """Let TensorFlow compute with so many threads.

    Raises:
        RuntimeError: TensorFlow has started with another number.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    # The network is a chain: operations side by side would only compete.
    tf.config.threading.set_inter_op_parallelism_threads(1)
