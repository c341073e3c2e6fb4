"""VideoMAE as it is published: an encoder and, where it was fine-tuned, one head."""

from __future__ import annotations

from typing import Any

import keras

from worker.model.backbone import Backbone
from worker.model.presets import Preset


class VideoMAE(keras.Model):  # type: ignore[misc]  # Keras ships no types
    """What imported weights fill: clips in; tokens, pooled features and, with a head, logits out.

    Clips of any even number of frames and any size that 16 divides go in.

    Attributes:
        backbone: The encoder.
        head: Pooled features to logits, a float32 Dense; None in a model without labels.
    """

    def __init__(self, preset: Preset, *, labels: int | None = None, **kwargs: Any) -> None:
        """Take the size of the encoder and the number of labels, None for no head."""
        super().__init__(**kwargs)
        self.backbone = Backbone(preset, name="backbone", dtype=self.dtype_policy)
        self.head = None if labels is None else keras.layers.Dense(labels, name="head", dtype="float32")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights, which neither frames nor size matter to."""
        self.backbone.build(input_shape)
        if self.head is not None:
            self.head.build((input_shape[0], self.backbone.preset.width))

    def call(self, frames: keras.KerasTensor, training: bool | None = None) -> dict[str, keras.KerasTensor]:
        """Return ``tokens``, ``pooled`` (see ``Backbone``) and ``logits`` (batch, labels) of clips.

        Args:
            frames: Normalised clips, (batch, frames, height, width, 3), float32.
            training: Whether drop-path is on.
        """
        outputs = self.backbone(frames, training=training)
        return outputs if self.head is None else {**outputs, "logits": self.head(outputs["pooled"])}
