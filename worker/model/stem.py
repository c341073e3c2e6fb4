"""From pixels to tokens by convolutions, for encoders that learn from few pictures."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from shared.catalog.config import TUBELET_FRAMES
from worker.model.block import LAYER_NORM_EPSILON
from worker.model.patches import token_grid
from worker.model.token_dense import TokenDense
from worker.model.zero_dense import ZeroDense

# Rec. 601: the weight of red, green and blue in brightness.
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)
_CONTRAST_EPSILON = 0.02
# Each stage halves the picture: channels as multiples of the first, and residual units behind it.
_FIRST_CHANNELS = 32
_STAGES = ((1, 1), (2, 1), (4, 2), (4, 1))


class ConvolutionalStem(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """One token a tubelet of 2x16x16 pixels, from what lies around it too.

    Convolutions know from the start that neighbours belong together, which patches have to learn
    (Xiao et al. 2021). It reads brightness alone, in units of each picture's own contrast: neither
    colour nor light tells an expression. What two frames of a tubelet have in common and what moves between
    them are added up; a single frame stands for two of a kind.
    """

    def __init__(self, width: int, **kwargs: Any) -> None:
        """Take the number of values a token."""
        super().__init__(autocast=False, **kwargs)
        policy = self.dtype_policy
        self.stages = [
            _Stage(_FIRST_CHANNELS * factor, units, name=f"stage_{index}", dtype=policy)
            for index, (factor, units) in enumerate(_STAGES)
        ]
        self.projection = TokenDense(width, name="projection", dtype=policy)
        self.motion = ZeroDense(width, name="motion", dtype=policy)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights, which no clip's size matters to."""
        channels = 1
        for stage in self.stages:
            stage.build((input_shape[0], None, None, channels))
            channels = stage.channels
        self.projection.build((input_shape[0], None, channels))
        self.motion.build((input_shape[0], None, channels))

    def call(self, frames: keras.KerasTensor) -> keras.KerasTensor:
        """Return tokens (batch, t * h * w, width) of clips (batch, frames, height, width, 3) or frames."""
        count, height, width = frames.shape[1:4]
        t, h, w = token_grid(max(count, TUBELET_FRAMES), height, width)
        grey = ops.sum(ops.multiply(ops.cast(frames, "float32"), _LUMA), axis=-1)
        level = ops.mean(grey, axis=(2, 3), keepdims=True)
        spread = ops.std(grey, axis=(2, 3), keepdims=True)
        pictures = ops.reshape((grey - level) / (spread + _CONTRAST_EPSILON), (-1, height, width, 1))
        for stage in self.stages:
            pictures = stage(pictures)
        seen = ops.reshape(pictures, (-1, t, count // t, h * w, pictures.shape[-1]))
        tokens = self.projection(ops.reshape(ops.mean(seen, axis=2), (-1, t * h * w, seen.shape[-1])))
        moved = ops.reshape(seen[:, :, -1] - seen[:, :, 0], (-1, t * h * w, seen.shape[-1]))
        return tokens + self.motion(moved)


class _Stage(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """A convolution that halves a picture, and residual units behind it."""

    def __init__(self, channels: int, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        policy = self.dtype_policy
        self.channels = channels
        self.halve = _convolution(channels, 2, "halve", policy)
        self.norm = keras.layers.LayerNormalization(epsilon=LAYER_NORM_EPSILON, name="norm", dtype=policy)
        self.units = [_Unit(channels, name=f"unit_{index}", dtype=policy) for index in range(units)]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.halve.build(input_shape)
        for layer in (self.norm, *self.units):
            layer.build((*input_shape[:3], self.channels))

    def call(self, pictures: keras.KerasTensor) -> keras.KerasTensor:
        pictures = ops.relu(self.norm(self.halve(pictures)))
        for unit in self.units:
            pictures = unit(pictures)
        return pictures


class _Unit(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Two convolutions, added to what came in, by nothing at the start (De and Smith 2020)."""

    def __init__(self, channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        policy = self.dtype_policy
        self.first = _convolution(channels, 1, "first", policy)
        self.second = _convolution(channels, 1, "second", policy)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.first.build(input_shape)
        self.second.build(input_shape)
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="scale")

    def call(self, pictures: keras.KerasTensor) -> keras.KerasTensor:
        added = self.second(ops.relu(self.first(pictures)))
        return ops.relu(pictures + added * ops.cast(self.scale, added.dtype))


def _convolution(channels: int, stride: int, name: str, policy: Any) -> keras.layers.Layer:
    return keras.layers.Conv2D(
        channels, 3, strides=stride, padding="same", kernel_initializer="he_normal", name=name, dtype=policy
    )
