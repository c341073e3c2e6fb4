"""What a VideoMAE makes of clips, a few at a time, on whichever backend is in use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.model.classifier import VideoMAE
from worker.model.compiled import compile_forward
from worker.model.patches import token_grid

# Four clips of 16 frames of 224x224: memory grows with the tokens that are in the encoder at a time.
MOST_TOKENS = 4 * 1568


def features(model: VideoMAE, clips: NDArray[Any]) -> Iterator[dict[str, NDArray[np.float32]]]:
    """Yield the model's outputs, float32, for some clips after the other.

    Args:
        model: With its weights.
        clips: Normalised, (batch, frames, height, width, 3), any floating-point type; a memory map will do.
    """
    t, h, w = token_grid(*clips.shape[1:4])
    step = max(1, MOST_TOKENS // (t * h * w))
    forward = compile_forward(lambda tensors: model(tensors["clips"]), model=model)
    for start in range(0, len(clips), step):
        yield forward({"clips": np.asarray(clips[start : start + step], np.float32)})
