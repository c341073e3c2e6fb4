"""The activation of the encoder's blocks."""

from __future__ import annotations

import keras
from keras import ops

_SQRT_HALF = 0.5**0.5


def gelu(values: keras.KerasTensor) -> keras.KerasTensor:
    """Return ``x * Phi(x)``, exact: the checkpoints were not trained with the tanh approximation.

    Written out, since ``keras.ops.gelu`` is half as fast on TensorFlow's CPU and an ONNX export of it
    does not load.
    """
    return 0.5 * values * (1.0 + ops.erf(values * _SQRT_HALF))
