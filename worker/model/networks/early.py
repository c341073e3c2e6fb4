"""Early fusion: face frames and audio images are one sequence of one encoder."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from shared.catalog.config import TUBELET_FRAMES
from worker.fusion.layouts import BOTH, token_modality
from worker.model.backbone import Backbone
from worker.model.heads import affect_head, emotion_head, outputs
from worker.model.modality import ModalityEmbedding, token_presence
from worker.model.networks.network import Given, Network, Options, Part
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
        self.modality = ModalityEmbedding(preset.width, name="modality", dtype=dtype)
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
        part: Part | None,
    ) -> dict[str, keras.KerasTensor]:
        """See ``Network``."""
        pooled = self.pooled(inputs, present, training, part)
        return outputs(self.emotion(pooled), self.affect(pooled))

    def pooled(
        self,
        inputs: Mapping[str, keras.KerasTensor],
        present: keras.KerasTensor | None,
        training: bool | None,
        part: Part | None,
    ) -> keras.KerasTensor:
        """Return what the heads read, (N, width), float32."""
        return self.backbone.pool(*self.encoded(inputs, present, training, part))

    def encoded(
        self,
        inputs: Mapping[str, keras.KerasTensor],
        present: keras.KerasTensor | None,
        training: bool | None,
        part: Part | None,
    ) -> tuple[keras.KerasTensor, keras.KerasTensor | None]:
        """Return the sequence's tokens after the encoder, and which of them count; None for all."""
        frames = normalise(inputs["frames"], self.config.normalisation)
        places = self._places(part)
        tokens = self.modality(self.backbone.embed(frames, places), self.kinds[places])
        mask = None if present is None else token_presence(present, self.kinds[places])
        if mask is not None:
            # Hidden tokens weigh nothing; zeros beside that make sure of it for whatever was there.
            tokens = ops.where(mask[:, :, None], tokens, ops.zeros_like(tokens))
        return self.backbone.encode(tokens, mask, training), mask

    def _places(self, part: Part | None) -> NDArray[np.int64]:
        """Return where in the sequence the tokens of a part stand; all of it for None.

        Raises:
            ValueError: The layout has tubelets that show both modalities, so that there is no part of one.
        """
        if part is None:
            return np.arange(len(self.kinds))
        tubelets = self.kinds.reshape(self.config.frames // TUBELET_FRAMES, -1)
        if (tubelets != tubelets[:, :1]).any() or (tubelets == BOTH).any():
            raise ValueError(f"The layout {self.config.layout} has no tubelets of one modality.")
        chosen = np.flatnonzero(tubelets[:, 0] == part.modality)[: part.tubelets]
        return np.arange(len(self.kinds)).reshape(tubelets.shape)[chosen].ravel()
