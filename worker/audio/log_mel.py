"""The log-mel spectrogram of a window, as hybrid fusion takes it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from worker.audio.features import FLOOR_DB, SoundFeatures


def window_log_mel(
    features: SoundFeatures, window_start_s: float, window_end_s: float, steps: int
) -> NDArray[np.float32]:
    """Return the levels along a window, float32 (mel_bands, steps) in dB, lowest band first.

    The window is cut into ``steps`` equal parts, as its face frames cut it: a window of another length
    is stretched or shortened. Column k is the level in the middle of part k, interpolated between the
    columns of the features; where a part is longer than their hop, it is the mean of several such
    instants, so that no moment is missed. Time without sound lies at the floor.

    Args:
        features: Features of the segment.
        window_start_s: From the start of the media, like ``features.start_s``.
        window_end_s: The same.
        steps: Columns of the result.
    """
    bands, columns = features.log_mel.shape
    step_s = (window_end_s - window_start_s) / steps
    # A rest of rounding must not double the work.
    instants = max(1, math.ceil(step_s / features.hop_s - 1e-6))
    times_s = window_start_s + (np.arange(steps * instants) + 0.5) * step_s / instants
    positions = (times_s - features.start_s) / features.hop_s
    # A column stands for half a hop on either side.
    inside = np.abs(positions - (columns - 1) / 2) <= columns / 2
    levels = np.full((bands, positions.size), FLOOR_DB, np.float32)
    if columns:
        places = np.arange(columns)
        levels[:, inside] = [np.interp(positions[inside], places, band) for band in features.log_mel]
    means: NDArray[np.float32] = levels.reshape(bands, steps, instants).mean(axis=2)
    return means
