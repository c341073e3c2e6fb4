"""From pixels to tokens."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from shared.catalog.config import PATCH_SIDE_PX, TUBELET_FRAMES
from worker.model.token_dense import TokenDense

CHANNELS = 3
PATCH_VALUES = TUBELET_FRAMES * PATCH_SIDE_PX * PATCH_SIDE_PX * CHANNELS


def token_grid(frames: int, height: int, width: int) -> tuple[int, int, int]:
    """Return how many tokens a clip has in time, rows and columns.

    Raises:
        ValueError: The clip does not divide into tubelets of 2 frames and 16x16 pixels.
    """
    if frames % TUBELET_FRAMES or height % PATCH_SIDE_PX or width % PATCH_SIDE_PX:
        raise ValueError(
            f"{frames} frames of {height}x{width} do not divide into tubelets of "
            f"{TUBELET_FRAMES} frames and {PATCH_SIDE_PX}x{PATCH_SIDE_PX} pixels."
        )
    return frames // TUBELET_FRAMES, height // PATCH_SIDE_PX, width // PATCH_SIDE_PX


class PatchEmbedding(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """One token a tubelet of 2x16x16 pixels.

    The same arithmetic as a Conv3D whose stride is its kernel, as a matrix product, which is faster on
    a CPU. The rows of the kernel run over (frame, row, column, channel) of a tubelet.
    """

    def __init__(self, width: int, **kwargs: Any) -> None:
        """Take the number of values a token."""
        super().__init__(**kwargs)
        self.projection = TokenDense(width, name="projection", dtype=self.dtype_policy)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the kernel, which no clip's size matters to."""
        self.projection.build((*input_shape[:1], None, PATCH_VALUES))

    def call(self, frames: keras.KerasTensor) -> keras.KerasTensor:
        """Return tokens (batch, t * h * w, width) of a clip (batch, frames, height, width, 3)."""
        t, h, w = token_grid(*frames.shape[1:4])
        split = ops.reshape(frames, (-1, t, TUBELET_FRAMES, h, PATCH_SIDE_PX, w, PATCH_SIDE_PX, CHANNELS))
        tubelets = ops.transpose(split, (0, 1, 3, 5, 2, 4, 6, 7))
        return self.projection(ops.reshape(tubelets, (-1, t * h * w, PATCH_VALUES)))
