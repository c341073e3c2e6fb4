"""From what the stages found in a segment to what a fusion takes of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.catalog import ModelConfig
from worker.audio.features import SoundFeatures
from worker.audio.images import window_images
from worker.audio.log_mel import window_log_mel
from worker.fusion.fused import Heard, Seen
from worker.windows import Window

# Share of a window: less than a tenth of a second of a 2 s window is a click, not a voice.
LEAST_VOICE = 0.05


def rows_of(taken: Sequence[Sequence[int]], kept: Sequence[int]) -> NDArray[np.int64]:
    """Return which crops each window takes, (windows, num_frame).

    Args:
        taken: Which frames of the segment each window takes.
        kept: The frame of each crop.
    """
    row_of = {frame: row for row, frame in enumerate(kept)}
    return np.array([[row_of[frame] for frame in frames] for frames in taken], np.int64)


def seen_nothing(windows: int, config: ModelConfig) -> Seen:
    """Return what is seen of so many windows where there is no picture."""
    size = config.input_size
    return Seen(
        np.zeros((0, size, size, 3), np.uint8),
        np.zeros(0, np.bool_),
        np.full((windows, config.num_frame), -1, np.int64),
    )


def heard_in(
    windows: Sequence[Window],
    features: SoundFeatures | None,
    activity: NDArray[np.float32],
    config: ModelConfig,
) -> Heard:
    """Return what the model takes of each window's sound.

    Args:
        windows: Of one segment.
        features: Of its sound; None where there is none, or it is silent.
        activity: Share of each window that holds a voice, (windows,).
        config: Of the model.
    """
    if features is None:
        return Heard(None, np.zeros(len(windows), np.bool_))
    images = [
        window_images(features, window.start_s, window.end_s, config.num_frame, config.input_size)
        for window in windows
    ]
    log_mel = None
    if config.fusion == "hybrid":
        log_mel = np.stack(
            [window_log_mel(features, window.start_s, window.end_s, config.mel_steps) for window in windows]
        )
    return Heard(np.stack(images), activity >= LEAST_VOICE, log_mel)
