"""What a voice is like over a whole window: statistics over time of its spectrogram."""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from worker.model.activation import gelu
from worker.model.token_dense import TokenDense

_CEPSTRA: Final = 20
# Levels below the window's loudest: what counts as voice, and what as silence.
_VOICE_DB, _SILENCE_DB = -40.0, -60.0
_HALF_RANGE_DB: Final = -_SILENCE_DB / 2
# Bring deviations and steps, which are smaller than levels, to the levels' size.
_DEVIATIONS, _STEPS = 2.0, 6.0
_EPSILON: Final = 1e-4


class Functionals(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """A small network on functionals of the levels, as openSMILE calls them (Eyben et al. 2010).

    Mean, deviation and mean step of each band over time, and the deviation of cepstral coefficients, all of
    levels relative to the loudest: how near a speaker is to the microphone tells nothing. From a few hundred
    utterances this much is learned within minutes, which filters of patches are not.
    """

    def __init__(self, width: int, **kwargs: Any) -> None:
        """Take the number of values that come out."""
        super().__init__(autocast=False, **kwargs)
        policy = self.dtype_policy
        self.width = width
        self.hidden = TokenDense(width, activation=gelu, name="hidden", dtype=policy)
        self.projection = TokenDense(width, name="projection", dtype=policy)

    def build(self, input_shape: tuple[int | None, int, int]) -> None:
        """Create the weights for (batch, bands, columns)."""
        batch, bands, _ = input_shape
        self.cosines = _cosines(bands)
        self.hidden.build((batch, 1, 3 * bands + len(self.cosines)))
        self.projection.build((batch, 1, self.width))

    def call(self, log_mel: keras.KerasTensor) -> keras.KerasTensor:
        """Return (batch, 1, width).

        Args:
            log_mel: (batch, bands, columns) in dB.
        """
        return self.projection(self.hidden(self.functionals(log_mel)[:, None]))

    def functionals(self, log_mel: keras.KerasTensor) -> keras.KerasTensor:
        """Return statistics over the columns that hold voice, (batch, values), float32."""
        levels = ops.cast(log_mel, "float32")
        levels = levels - ops.max(levels, axis=(1, 2), keepdims=True)
        voice = ops.cast(ops.max(levels, axis=1, keepdims=True) > _VOICE_DB, "float32")
        levels = ops.maximum(levels, _SILENCE_DB) / _HALF_RANGE_DB + 1
        both = voice[:, :, 1:] * voice[:, :, :-1]
        steps = ops.abs(levels[:, :, 1:] - levels[:, :, :-1])
        mean, deviation = _moments(levels, voice)
        _, cepstral = _moments(ops.matmul(self.cosines, levels), voice)
        step = ops.sum(steps * both, axis=2) / (ops.sum(both, axis=2) + 1)
        return ops.concatenate([mean, _DEVIATIONS * deviation, _STEPS * step, _DEVIATIONS * cepstral], axis=1)


def _cosines(bands: int) -> NDArray[np.float32]:
    """Return what makes cepstral coefficients of levels: the orthonormal DCT-II, without its first row."""
    orders, places = np.arange(1, min(_CEPSTRA + 1, bands))[:, None], np.arange(bands) + 0.5
    cosines: NDArray[np.float64] = np.sqrt(2 / bands) * np.cos(np.pi * orders * places / bands)
    return cosines.astype(np.float32)


def _moments(
    values: keras.KerasTensor, weights: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return mean and standard deviation over the last axis."""
    total = ops.sum(weights, axis=2) + _EPSILON
    mean = ops.sum(values * weights, axis=2) / total
    spread = ops.sum(ops.square(values - mean[:, :, None]) * weights, axis=2) / total
    return mean, ops.sqrt(spread + _EPSILON)
