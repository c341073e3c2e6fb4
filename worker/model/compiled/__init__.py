"""A network as one compiled function, on TensorFlow, JAX or torch: arrays in, arrays out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.model.compiled.backend import Backend, Compiled, Function, load_backend

if TYPE_CHECKING:
    import keras

__all__ = ["Backend", "Compiled", "Function", "compile_forward", "load_backend"]


def compile_forward(
    function: Function, *, model: keras.layers.Layer | None = None, xla: bool = False
) -> Compiled:
    """Return a function that is traced once for each number of rows, and then runs without Python.

    Args:
        function: From tensors by name, of which the batch comes first, to tensors by name.
        model: Whose weights the function reads. They must exist, and keep their values from now on.
        xla: Whether the backend compiles what it traced: XLA for TensorFlow, inductor for torch. JAX
            does so in any case.
    """
    return load_backend().Forward(function, model.variables if model else (), xla=xla)
