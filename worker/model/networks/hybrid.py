"""Hybrid fusion: early fusion, and beside it the sound's spectrogram and the face's measures."""

from __future__ import annotations

from collections.abc import Mapping

import keras
from keras import ops

from shared.catalog import ModelConfig
from worker.fusion.layouts import AUDIO, VIDEO
from worker.model.attention import mask_bias
from worker.model.audio_patches import AudioPatches
from worker.model.backbone import masked_mean
from worker.model.block import LAYER_NORM_EPSILON
from worker.model.cross_attention import CrossBlock
from worker.model.face_series import FaceSeriesTokens
from worker.model.networks.early import EarlyNetwork
from worker.model.networks.network import Options, Part
from worker.model.zero_dense import ZeroDense

CROSS_BLOCKS = 2


class HybridNetwork(EarlyNetwork):
    """Early fusion, with what spectrogram patches and face measures find when they look at its tokens.

    They ask, and the encoder's tokens answer: some hundred queries, where asking the other way round
    would take as many as the sequence has tokens. What the modalities found, each on the mean of its queries,
    is added to the pooled features through a projection that starts at zero, so that this network starts as
    that of early fusion. Spectrogram and measures count alike: there are ten times as many patches as
    instants, and in a mean of all of them a face would be drowned by any voice.
    """

    def __init__(self, config: ModelConfig, options: Options) -> None:
        """Take what ``build_network`` makes of its arguments.

        Raises:
            ValueError: The configuration names no series.
        """
        if config.series is None:
            raise ValueError("Hybrid fusion needs a series.")
        log_mel = (config.audio.mel_bands, config.mel_steps)
        series = (config.series.steps, len(config.series.columns))
        super().__init__(config, options, {"log_mel": (log_mel, "float32"), "series": (series, "float32")})
        preset, dtype, drop_path = options.preset, options.dtype, options.drop_path
        self.audio_patches = AudioPatches(
            preset, floor_db=config.audio.floor_db, drop_path=drop_path, name="audio_patches", dtype=dtype
        )
        self.face_series = FaceSeriesTokens(
            config.series.columns, preset.width, name="face_series", dtype=dtype
        )
        self.cross_blocks = [
            CrossBlock(preset.width, preset.heads, drop_path=drop_path, name=f"cross_{index}", dtype=dtype)
            for index in range(CROSS_BLOCKS)
        ]
        self.cross_norm = keras.layers.LayerNormalization(
            epsilon=LAYER_NORM_EPSILON, name="cross_norm", dtype="float32"
        )
        self.cross_projection = ZeroDense(preset.width, name="cross_projection", dtype="float32")
        self.audio_patches.build((None, *log_mel))
        self.face_series.build((None, *series))
        for layer in (*self.cross_blocks, self.cross_norm, self.cross_projection):
            layer.build((None, preset.width))

    def pooled(
        self,
        inputs: Mapping[str, keras.KerasTensor],
        present: keras.KerasTensor | None,
        training: bool | None,
        part: Part | None,
    ) -> keras.KerasTensor:
        """Return what the heads read, (N, width), float32."""
        tokens, mask = self.encoded(inputs, present, training, part)
        asking = self._queries(inputs, present, training, part)
        queries = ops.concatenate([each for each, _ in asking], axis=1)
        bias = None if mask is None else mask_bias(mask, tokens.dtype)
        for block in self.cross_blocks:
            queries = block(queries, tokens, bias, training=training)
        found, there, first = [], [], 0
        for _, counting in asking:
            last = first + counting.shape[1]
            mean = masked_mean(ops.cast(queries[:, first:last], "float32"), counting)
            found.append(self.cross_norm(mean))
            there.append(ops.any(counting, axis=1))
            first = last
        some = ops.stack(there, axis=1)
        added = self.cross_projection(masked_mean(ops.stack(found, axis=1), some))
        return self.backbone.pool(tokens, mask) + ops.where(ops.any(some, axis=1, keepdims=True), added, 0.0)

    def _queries(
        self,
        inputs: Mapping[str, keras.KerasTensor],
        present: keras.KerasTensor | None,
        training: bool | None,
        part: Part | None,
    ) -> list[tuple[keras.KerasTensor, keras.KerasTensor]]:
        """Return the tokens of spectrogram and series, (N, queries, width), each with which of them count."""
        queries = []
        if part is None or part.modality == AUDIO:
            log_mel = inputs["log_mel"]
            if present is not None:
                log_mel = ops.where(present[:, AUDIO, None, None], log_mel, 0.0)
            heard = self.audio_patches(log_mel, training=training)
            hearing = ops.ones_like(heard[:, :, 0], dtype="bool")
            if present is not None:
                hearing = ops.logical_and(hearing, present[:, AUDIO, None])
            queries.append((heard, hearing))
        if part is None or part.modality == VIDEO:
            series = inputs["series"]
            known = ops.isfinite(series)
            if present is not None:
                known = ops.logical_and(known, present[:, VIDEO, None, None])
            queries.append((self.face_series(series, known), ops.any(known, axis=2)))
        return queries
