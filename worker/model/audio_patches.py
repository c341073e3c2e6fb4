"""From a log-mel spectrogram to tokens."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from shared.catalog.config import MEL_PATCH_BANDS, MEL_PATCH_STEPS
from worker.model.block import Block
from worker.model.functionals import Functionals
from worker.model.lanes import run_blocks
from worker.model.position import sincos_table
from worker.model.presets import Preset
from worker.model.token_dense import TokenDense

PATCH_VALUES = MEL_PATCH_BANDS * MEL_PATCH_STEPS
# The encoder has seen the sound as well: these only have to tell its pieces apart.
BLOCKS = 2


class AudioPatches(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """A small encoder of patches of 16 bands by 8 columns (80 ms)."""

    def __init__(self, preset: Preset, *, floor_db: float, drop_path: float = 0.0, **kwargs: Any) -> None:
        """Take the encoder's size, the level of silence, and the blocks' drop-path in training."""
        # Levels are scaled before they are rounded: in bfloat16 one from -64 to -32 dB has steps of 0.25 dB.
        super().__init__(autocast=False, **kwargs)
        policy = self.dtype_policy
        self.preset = preset
        self.half_range_db = -floor_db / 2
        self.projection = TokenDense(preset.width, name="projection", dtype=policy)
        # The reason for a stem of convolutions: too few data to learn all from patches.
        self.functionals = None
        if preset.stem == "convolutional":
            self.functionals = Functionals(preset.width, name="functionals", dtype=policy)
        self.blocks = [
            Block(preset.width, preset.heads, drop_path=drop_path, name=f"block_{index}", dtype=policy)
            for index in range(BLOCKS)
        ]

    def build(self, input_shape: tuple[int | None, int, int]) -> None:
        """Create the weights, which the spectrogram's size does not matter to."""
        self.projection.build((input_shape[0], None, PATCH_VALUES))
        if self.functionals is not None:
            self.functionals.build(input_shape)
        for block in self.blocks:
            block.build((input_shape[0], None, self.preset.width))

    def call(self, log_mel: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """Return tokens (batch, columns / 8 * bands / 16, width), in time, then frequency order.

        Args:
            log_mel: (batch, bands, columns) in dB of full scale, from the level of silence to 0.
            training: Whether drop-path is on.
        """
        tokens = self.projection(self.patches(log_mel))
        tokens = tokens + ops.cast(sincos_table(tokens.shape[1], self.preset.width)[None], tokens.dtype)
        if self.functionals is not None:
            tokens = tokens + self.functionals(log_mel)
        return run_blocks(self.blocks, tokens, training=training)

    def patches(self, log_mel: keras.KerasTensor) -> keras.KerasTensor:
        """Return what becomes tokens, (batch, tokens, 128), float32: silence is -1, full scale is 1."""
        rows, columns = log_mel.shape[1] // MEL_PATCH_BANDS, log_mel.shape[2] // MEL_PATCH_STEPS
        scaled = ops.cast(log_mel, "float32") / self.half_range_db + 1
        split = ops.reshape(scaled, (-1, rows, MEL_PATCH_BANDS, columns, MEL_PATCH_STEPS))
        return ops.reshape(ops.transpose(split, (0, 3, 1, 2, 4)), (-1, columns * rows, PATCH_VALUES))
