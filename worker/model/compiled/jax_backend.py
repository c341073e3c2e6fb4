"""JAX."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import keras
from numpy.typing import NDArray

from worker.model.compiled.backend import Function
from worker.model.hardware import Gpu

NAME = "jax"
# Of the cards' generations, the first that computes in bfloat16.
BFLOAT16_CAPABILITY = 8.0

_limits: set[int] = set()


class Forward:
    """A function as a program of XLA, one for each number of rows."""

    def __init__(self, function: Function, variables: Sequence[keras.Variable], *, xla: bool) -> None:
        """Take the function; ``xla`` changes nothing, since JAX compiles whatever it traces."""
        del xla
        self.traces = 0
        self._function = function
        self._variables = variables
        self._program = jax.jit(self._run)

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """See ``Compiled``."""
        values = [variable.value for variable in self._variables]
        found: dict[str, NDArray[Any]] = jax.device_get(self._program(values, dict(inputs)))
        return found

    def _run(self, values: list[Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
        self.traces += 1
        # As arguments: a program copies the values that it closes over into itself.
        with keras.StatelessScope(state_mapping=list(zip(self._variables, values, strict=True))):
            found = self._function(inputs)
            return {name: keras.ops.cast(output, "float32") for name, output in found.items()}


def limit_threads(threads: int) -> None:
    """See ``Backend``."""
    if _limits - {threads}:
        raise RuntimeError(
            f"JAX was told to compute with {max(_limits)} threads, and cannot change to {threads}."
        )
    _limits.add(threads)
    # XLA has no setting for this: it reads the number when JAX makes its first array.
    os.environ["NPROC"] = str(threads)


def find_gpu() -> Gpu | None:
    """See ``Backend``."""
    card = jax.devices()[0]
    if card.platform != "gpu":
        return None
    return Gpu(has_bfloat16=float(getattr(card, "compute_capability", 0)) >= BFLOAT16_CAPABILITY)
