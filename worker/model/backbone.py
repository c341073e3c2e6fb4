"""The VideoMAE encoder."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from worker.model.attention import mask_bias
from worker.model.block import LAYER_NORM_EPSILON, Block
from worker.model.lanes import run_blocks
from worker.model.patches import PatchEmbedding, token_grid
from worker.model.position import sincos_table
from worker.model.presets import Preset
from worker.model.stem import ConvolutionalStem


class Backbone(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """The encoder of a fine-tuned VideoMAE: clips in, tokens and pooled features out.

    Its three steps can be used by themselves: fusion may add to what ``embed`` returns, or join the
    tokens of several clips before ``encode``.

    Source: Tong et al. 2022, github.com/MCG-NJU/VideoMAE.
    """

    def __init__(self, preset: Preset, *, drop_path: float = 0.0, **kwargs: Any) -> None:
        """Take the size, and the last block's drop-path in training; the first block's is 0."""
        super().__init__(**kwargs)
        policy = self.dtype_policy
        self.preset = preset
        stem = ConvolutionalStem if preset.stem == "convolutional" else PatchEmbedding
        self.patch_embedding = stem(preset.width, name="patch_embedding", dtype=policy)
        self.blocks = [
            Block(preset.width, preset.heads, drop_path=float(rate), name=f"block_{index}", dtype=policy)
            for index, rate in enumerate(np.linspace(0, drop_path, preset.depth))
        ]
        # In float32: a mean over a thousand tokens loses too much in bfloat16.
        self.fc_norm = keras.layers.LayerNormalization(
            epsilon=LAYER_NORM_EPSILON, name="fc_norm", dtype="float32"
        )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights, which neither frames nor size matter to."""
        self.patch_embedding.build(input_shape)
        for block in self.blocks:
            block.build((input_shape[0], None, self.preset.width))
        self.fc_norm.build((input_shape[0], self.preset.width))

    def embed(self, frames: keras.KerasTensor, places: NDArray[np.int64] | None = None) -> keras.KerasTensor:
        """Return a clip's tokens with their positions, (batch, t * h * w, width).

        Args:
            frames: See ``call``.
            places: Where each token stands in the sequence that the clip is a part of, (t * h * w,); in
                their order from its start when None.
        """
        tokens = self.patch_embedding(frames)
        count = tokens.shape[1] if places is None else int(places.max()) + 1
        table = sincos_table(count, self.preset.width)
        if places is not None:
            table = table[places]
        return tokens + ops.cast(table[None], tokens.dtype)

    def encode(
        self,
        tokens: keras.KerasTensor,
        mask: keras.KerasTensor | None = None,
        training: bool | None = None,
    ) -> keras.KerasTensor:
        """Return tokens after all blocks, in the same shape.

        Args:
            tokens: (batch, tokens, width).
            mask: Which tokens may be looked at, bool (batch, tokens); all of them when None. What comes
                out for the others means nothing.
            training: Whether drop-path is on.
        """
        bias = None if mask is None else mask_bias(mask, tokens.dtype)
        return run_blocks(self.blocks, tokens, bias, training=training)

    def pool(self, tokens: keras.KerasTensor, mask: keras.KerasTensor | None = None) -> keras.KerasTensor:
        """Return features (batch, width), float32: the normalised mean of what ``mask`` leaves."""
        return self.fc_norm(masked_mean(ops.cast(tokens, "float32"), mask))

    def call(self, frames: keras.KerasTensor, training: bool | None = None) -> dict[str, keras.KerasTensor]:
        """Return what the encoder makes of clips.

        Args:
            frames: Normalised clips, (batch, frames, height, width, 3), float32. All but the batch must
                be known; frames divide by 2, height and width by 16.
            training: Whether drop-path is on.

        Returns:
            ``tokens`` (batch, t * h * w, width) in time, row, column order, and ``pooled``
            (batch, width), float32.
        """
        tokens = self.encode(self.embed(frames), training=training)
        return {"tokens": tokens, "pooled": self.pool(tokens)}

    def compute_output_spec(
        self, frames: keras.KerasTensor, training: bool | None = None
    ) -> dict[str, keras.KerasTensor]:
        """Return the outputs' shapes at once: Keras would trace every block to find them."""
        del training
        t, h, w = token_grid(*frames.shape[1:4])
        batch, width = frames.shape[0], self.preset.width
        return {
            "tokens": keras.KerasTensor((batch, t * h * w, width), self.compute_dtype),
            "pooled": keras.KerasTensor((batch, width), "float32"),
        }


def masked_mean(tokens: keras.KerasTensor, mask: keras.KerasTensor | None) -> keras.KerasTensor:
    """Return the mean (batch, width) of tokens (batch, tokens, width) where ``mask`` (batch, tokens) is true.

    Zeros for a sample without any.
    """
    if mask is None:
        return ops.mean(tokens, axis=1)
    weights = ops.cast(mask, tokens.dtype)
    total = ops.sum(tokens * weights[:, :, None], axis=1)
    return total / ops.maximum(ops.sum(weights, axis=1, keepdims=True), 1)
