"""A linear layer for tokens."""

from __future__ import annotations

import keras
from keras import ops


class TokenDense(keras.layers.Dense):  # type: ignore[misc]  # Keras ships no types
    """``keras.layers.Dense`` over the last axis, computed on a matrix of all tokens of all samples.

    The same numbers. On a matrix TensorFlow joins product, bias and activation into one operation,
    which it does not do where a reshape stands between them.
    """

    def call(self, tokens: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """Return (..., units) of tokens (..., width); all axes but the first must be known."""
        del training
        batch = -1 if tokens.shape[0] is None else tokens.shape[0]
        shape = (batch, *tokens.shape[1:-1], self.units)
        product = ops.matmul(ops.reshape(tokens, (-1, tokens.shape[-1])), self.kernel)
        # In bfloat16 a product joined with its bias takes half as long again as the two by themselves:
        # it pays only with an activation.
        if self.compute_dtype == "bfloat16" and self.activation is keras.activations.linear:
            return ops.reshape(product, shape) + self.bias
        return ops.reshape(self.activation(_biased(product, ops.convert_to_tensor(self.bias))), shape)


def _biased(product: keras.KerasTensor, bias: keras.KerasTensor) -> keras.KerasTensor:
    """Return (rows, units) plus (units,), by the addition that TensorFlow joins with an activation too."""
    if keras.backend.backend() != "tensorflow":
        return product + bias
    import tensorflow as tf  # noqa: PLC0415 - other backends do without

    return tf.nn.bias_add(product, bias)
