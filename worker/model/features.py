"""What a VideoMAE makes of clips, a few at a time, on whichever backend is in use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from worker.model.classifier import VideoMAE
from worker.model.patches import token_grid

# Four clips of 16 frames of 224x224: memory grows with the tokens that are in the encoder at a time.
MOST_TOKENS = 4 * 1568


def backend() -> str:
    """Return what computes: ``tensorflow``, ``jax`` or ``torch``."""
    return str(keras.backend.backend())


def features(model: VideoMAE, clips: NDArray[Any]) -> Iterator[dict[str, NDArray[np.float32]]]:
    """Yield the model's outputs, float32, for some clips after the other.

    Args:
        model: With its weights.
        clips: Normalised, (batch, frames, height, width, 3), any floating-point type; a memory map will do.
    """
    t, h, w = token_grid(*clips.shape[1:4])
    step = max(1, MOST_TOKENS // (t * h * w))
    # On a CPU, XLA makes TensorFlow slower; on JAX it is what compiles at all.
    model.jit_compile = backend() == "jax"
    for start in range(0, len(clips), step):
        outputs = model.predict_on_batch(np.asarray(clips[start : start + step], np.float32))
        yield {name: np.asarray(array).astype(np.float32) for name, array in outputs.items()}
