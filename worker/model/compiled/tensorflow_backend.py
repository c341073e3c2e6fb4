"""TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from numpy.typing import NDArray

from worker.model.compiled.backend import Function
from worker.model.hardware import Gpu

NAME = "tensorflow"
# Of the cards' generations, the first that computes in bfloat16.
BFLOAT16_CAPABILITY = (8, 0)


class Forward:
    """A function as a TensorFlow graph, one for each number of rows: known shapes make faster graphs."""

    def __init__(self, function: Function, variables: Sequence[keras.Variable], *, xla: bool) -> None:
        """Take the function; graphs read variables by themselves."""
        del variables

        def run(tensors: Mapping[str, Any]) -> dict[str, Any]:
            return {name: keras.ops.cast(output, "float32") for name, output in function(tensors).items()}

        self._graph: Any = tf.function(run, autograph=False, jit_compile=xla)

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """See ``Compiled``."""
        outputs = self._graph({name: tf.constant(array) for name, array in inputs.items()})
        return {name: output.numpy() for name, output in outputs.items()}

    @property
    def traces(self) -> int:
        """See ``Compiled``."""
        return int(self._graph.experimental_get_tracing_count())


def limit_threads(threads: int) -> None:
    """See ``Backend``."""
    # Threads take lanes of tokens each (see worker.model.lanes), and do not wait for each other.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def find_gpu() -> Gpu | None:
    """See ``Backend``."""
    cards = tf.config.list_physical_devices("GPU")
    if not cards:
        return None
    details = tf.config.experimental.get_device_details(cards[0])
    return Gpu(has_bfloat16=details.get("compute_capability", (0, 0)) >= BFLOAT16_CAPABILITY)
