"""From pixels as they are stored to what the encoder was trained on."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from shared.catalog import Normalisation

WHITE = 255


def normalise(pixels: keras.KerasTensor, normalisation: Normalisation) -> keras.KerasTensor:
    """Return ``(pixel / 255 - mean) / std`` of pixels (..., 3) from 0 to 255, float32."""
    mean, std = np.array(normalisation.mean), np.array(normalisation.std)
    scale = ops.convert_to_tensor(1 / (WHITE * std), "float32")
    offset = ops.convert_to_tensor(-mean / std, "float32")
    return ops.cast(pixels, "float32") * scale + offset
