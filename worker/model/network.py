"""From a checkpoint's configuration to a Keras model with fresh weights."""

from __future__ import annotations

import keras
import numpy as np

from shared.catalog import ModelConfig, Normalisation
from shared.errors import AvemotionError, ErrorCode
from worker.model.backbone import Backbone
from worker.model.heads import affect_head, emotion_head
from worker.model.patches import CHANNELS
from worker.model.presets import Preset

WHITE = 255


def build_network(
    config: ModelConfig, preset: Preset, *, dtype: str = "float32", drop_path: float = 0.0
) -> keras.Model:
    """Return the network of a checkpoint, with Keras's random weights.

    Its inputs are what ``worker.fusion`` makes, by name; with early fusion ``frames``, uint8
    (N, frames, size, size, 3). Its outputs are ``logits`` (N, labels), and ``valence`` and ``arousal``
    (N,) in [-1, 1], all float32.

    Args:
        config: The checkpoint's configuration.
        preset: Size of the encoder; serving takes the one that ``config`` names.
        dtype: Keras's dtype policy of the encoder: ``float32`` or ``mixed_bfloat16``.
        drop_path: Drop-path of the last block, in training.

    Raises:
        AvemotionError: ``MODEL_UNAVAILABLE`` where the fusion is not known here.
    """
    if config.fusion != "early":
        raise AvemotionError(
            ErrorCode.MODEL_UNAVAILABLE, f"This version runs no models of {config.fusion} fusion."
        )
    side = config.input_size
    frames = keras.Input((config.frames, side, side, CHANNELS), dtype="uint8", name="frames")
    backbone = Backbone(preset, drop_path=drop_path, name="backbone", dtype=dtype)
    pooled = backbone(normalise(config.normalisation)(frames))["pooled"]
    affect = keras.ops.tanh(affect_head()(pooled))
    outputs = {
        "logits": emotion_head(len(config.labels))(pooled),
        "valence": affect[:, 0],
        "arousal": affect[:, 1],
    }
    return keras.Model({"frames": frames}, outputs, name="avemotion")


def normalise(normalisation: Normalisation) -> keras.layers.Layer:
    """Return the layer that takes pixels 0 to 255 to ``(pixel / 255 - mean) / std``, float32."""
    mean, std = np.array(normalisation.mean), np.array(normalisation.std)
    return keras.layers.Rescaling(
        scale=(1 / (WHITE * std)).tolist(), offset=(-mean / std).tolist(), dtype="float32", name="normalise"
    )
