"""Late fusion: an encoder each for face and voice, joined at their ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
from keras import ops

from shared.catalog import ModelConfig
from worker.fusion.layouts import AUDIO, VIDEO
from worker.model.activation import gelu
from worker.model.backbone import Backbone
from worker.model.heads import affect_head, emotion_head, outputs
from worker.model.modality import MODALITIES, ModalityWeights
from worker.model.networks.network import Network, Options, Part
from worker.model.patches import CHANNELS
from worker.model.pixels import normalise

# In the order of the columns of ``present``: ``worker.fusion.layouts.AUDIO`` and ``VIDEO``.
BRANCHES = ("audio", "video")


class LateNetwork(Network):
    """Two branches, joined by their logits or by their features.

    - ``logits``: heads each; what they say is averaged with learned weights, before softmax and tanh.
    - ``features``: a projection each; the heads read the mean.

    Whatever a window does not have leaves its weight to the other.
    """

    def __init__(self, config: ModelConfig, options: Options) -> None:
        """Take what ``build_network`` makes of its arguments."""
        width = options.preset.width
        frames = (config.num_frame, config.input_size, config.input_size, CHANNELS)
        super().__init__(config, options, {"images": (frames, "uint8"), "faces": (frames, "uint8")})
        names = ["backbone"] if config.shared_encoder else [f"{branch}_backbone" for branch in BRANCHES]
        self.backbones = [
            Backbone(options.preset, drop_path=options.drop_path, name=name, dtype=options.dtype)
            for name in names
        ]
        for backbone in self.backbones:
            backbone.build((None, *frames))
        self.projections, heads = [], [""]
        if config.join == "features":
            self.projections = [
                keras.layers.Dense(width, name=f"{branch}_projection", dtype="float32") for branch in BRANCHES
            ]
        else:
            self.modality = ModalityWeights(name="modality", dtype="float32")
            self.modality.build(())
            heads = [f"{branch}_" for branch in BRANCHES]
        self.emotions = [emotion_head(len(config.labels), f"{prefix}emotion") for prefix in heads]
        self.affects = [affect_head(f"{prefix}affect") for prefix in heads]
        for layer in (*self.projections, *self.emotions, *self.affects):
            layer.build((None, width))
        self.built = True

    def answer(
        self,
        inputs: Mapping[str, keras.KerasTensor],
        present: keras.KerasTensor | None,
        training: bool | None,
        part: Part | None,
    ) -> dict[str, keras.KerasTensor]:
        """See ``Network``."""
        pooled = [self._pooled(inputs, column, training, part) for column in (AUDIO, VIDEO)]
        if self.config.join == "features":
            # Without the GELU, projections and heads would be one linear map, and this a join of logits.
            projected = [
                gelu(project(features)) for project, features in zip(self.projections, pooled, strict=True)
            ]
            joined = _joined(projected, _shares(present), present)
            return outputs(self.emotions[0](joined), self.affects[0](joined))
        weights = self.modality(present)
        logits, affect = (
            _joined([head(features) for head, features in zip(heads, pooled, strict=True)], weights, present)
            for heads in (self.emotions, self.affects)
        )
        return outputs(logits, affect)

    def _pooled(
        self,
        inputs: Mapping[str, keras.KerasTensor],
        column: int,
        training: bool | None,
        part: Part | None,
    ) -> keras.KerasTensor:
        """Return a branch's features, (batch, width); zeros, which are hidden, where it is not given."""
        if part is not None and part.modality != column:
            return ops.zeros((ops.shape(inputs["present"])[0], self.backbones[0].preset.width))
        frames = normalise(inputs[("images", "faces")[column]], self.config.normalisation)
        # A shared encoder stands alone in its list.
        return self.backbones[column % len(self.backbones)](frames, training=training)["pooled"]


def _shares(present: keras.KerasTensor | None) -> keras.KerasTensor:
    """Return equal weights, (batch, 2) or (1, 2), that sum to 1 over what is present."""
    if present is None:
        return ops.full((1, MODALITIES), 1 / MODALITIES)
    there = ops.cast(present, "float32")
    return there / ops.maximum(ops.sum(there, axis=1, keepdims=True), 1)


def _joined(
    branches: Sequence[keras.KerasTensor], weights: keras.KerasTensor, present: keras.KerasTensor | None
) -> keras.KerasTensor:
    """Return the weighted sum (batch, values) of what the branches say, one (batch, values) each."""
    values = ops.stack(branches, axis=1)
    if present is not None:
        # A weight of 0 would let through what is not finite.
        values = ops.where(present[:, :, None], values, 0.0)
    return ops.sum(values * weights[:, :, None], axis=1)
