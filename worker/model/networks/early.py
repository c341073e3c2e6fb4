"""Early fusion: face frames and audio images are one sequence of one encoder."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import keras
from keras import ops

from shared.catalog import ModelConfig
from worker.fusion.layouts import token_modality
from worker.model.backbone import Backbone
from worker.model.heads import affect_head, emotion_head, outputs
from worker.model.modality import ModalityEmbedding, token_presence
from worker.model.networks.network import Given, Network, Options
from worker.model.patches import CHANNELS
from worker.model.pixels import normalise


class EarlyNetwork(Network):
    """One encoder over the layout's sequence, and the heads."""

    def __init__(
        self, config: ModelConfig, options: Options, more: Mapping[str, Given] = MappingProxyType({})
    ) -> None:
        """Take what ``build_network`` makes of its arguments, and the inputs beyond the sequence."""
        preset, dtype = options.preset, options.dtype
        side = config.input_size
        frames = (config.frames, side, side, CHANNELS)
        super().__init__(config, options, {"frames": (frames, "uint8"), **more})
        self.kinds = token_modality(config)
        self.backbone = Backbone(preset, drop_path=options.drop_path, name="backbone", dtype=dtype)
        self.modality = ModalityEmbedding(preset.width, self.kinds, name="modality", dtype=dtype)
        self.emotion = emotion_head(len(config.labels))
        self.affect = affect_head()
        self.backbone.build((None, *frames))
        self.modality.build((None, len(self.kinds), preset.width))
        self.emotion.build((None, preset.width))
        self.affect.build((None, preset.width))
        self.built = True

    def answer(
        self,
        inputs: Mapping[str, keras.KerasTensor],
        present: keras.KerasTensor | None,
        training: bool | None,
    ) -> dict[str, keras.KerasTensor]:
        """See ``Network``."""
        pooled = self.pooled(inputs, present, training)
        return outputs(self.emotion(pooled), self.affect(pooled))

    def pooled(
        self,
        inputs: Mapping[str, keras.KerasTensor],
        present: keras.KerasTensor | None,
        training: bool | None,
    ) -> keras.KerasTensor:
        """Return what the heads read, (N, width), float32."""
        return self.backbone.pool(*self.encoded(inputs, present, training))

    def encoded(
        self,
        inputs: Mapping[str, keras.KerasTensor],
        present: keras.KerasTensor | None,
        training: bool | None,
    ) -> tuple[keras.KerasTensor, keras.KerasTensor | None]:
        """Return the sequence's tokens after the encoder, and which of them count; None for all."""
        frames = normalise(inputs["frames"], self.config.normalisation)
        tokens = self.modality(self.backbone.embed(frames))
        mask = None if present is None else token_presence(present, self.kinds)
        if mask is not None:
            # Hidden tokens weigh nothing; zeros beside that make sure of it for whatever was there.
            tokens = ops.where(mask[:, :, None], tokens, ops.zeros_like(tokens))
        return self.backbone.encode(tokens, mask, training), mask
