"""A projection that starts as nothing."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class ZeroDense(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """A Dense whose weights start at zero: what it adds to a network is learned from nothing.

    Its kernel has a name of its own, since ``worker.model.weights.initialise`` draws all that are named
    ``kernel``.
    """

    def __init__(self, width: int, **kwargs: Any) -> None:
        """Take the number of values that come out."""
        super().__init__(**kwargs)
        self.width = width

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights."""
        self.zero_kernel = self.add_weight(
            shape=(input_shape[-1], self.width), initializer="zeros", name="zero_kernel"
        )
        self.bias = self.add_weight(shape=(self.width,), initializer="zeros", name="bias")

    def call(self, values: keras.KerasTensor) -> keras.KerasTensor:
        """Return (..., width) of values (..., values)."""
        return ops.matmul(values, self.zero_kernel) + self.bias
