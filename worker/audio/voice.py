"""Where a sound holds a voice, judged by its energy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from worker.audio.samples import SAMPLE_RATE_HZ, clean
from worker.windows import Window

FRAME_S = 0.030
# Below this a frame is silent whatever surrounds it. Speech that can be understood peaks above
# -40 dB even in quiet recordings (the quietest of 60 RAVDESS files: -36); the noise of a muted
# microphone, dither, and what lossy codecs leave of silence all lie under -60.
SILENCE_DB = -60.0
# A voice stands this far above the noise between words, or ...
ABOVE_NOISE_DB = 6.0
# ... within the range of loud to soft speech, below the loudest frames, ...
SPEECH_RANGE_DB = 30.0
# ... and the loudest frames are always a voice, even where no pause shows what the noise is.
LOUDEST_DB = 10.0
NOISE_PERCENTILE = 10
# Not the maximum: one click does not make a voice silent.
LOUD_PERCENTILE = 99


def voice_activity(
    sound: NDArray[np.floating],
    windows: Sequence[Window],
    sample_rate: int = SAMPLE_RATE_HZ,
    *,
    start_s: float = 0.0,
) -> NDArray[np.float32]:
    """Return for each window the share of its 30 ms frames that hold a voice.

    The threshold follows the sound's own noise and loudness, and never falls below ``SILENCE_DB``.
    It is energy alone: steady loud noise counts as voice. Time of a window that the sound does not
    cover counts as silent.

    Args:
        sound: Samples, (samples,), full scale is 1; anything not finite counts as silence.
        windows: Their times count from the start of the media.
        sample_rate: Samples a second.
        start_s: Where in the media the sound starts.

    Returns:
        Shares in [0, 1], (windows,).
    """
    levels = _frame_levels_db(sound, sample_rate)
    voiced_until = np.concatenate([[0], np.cumsum(levels > _threshold_db(levels))])
    edges_s = np.array([(window.start_s, window.end_s) for window in windows], np.float64).reshape(-1, 2)
    # A frame belongs to the window that its middle lies in.
    first, stop = np.ceil((edges_s - start_s) / FRAME_S - 0.5).astype(np.int64).T
    inside = np.clip([first, stop], 0, levels.size)
    voiced = voiced_until[inside[1]] - voiced_until[inside[0]]
    share: NDArray[np.float32] = (voiced / np.maximum(stop - first, 1)).astype(np.float32)
    return share


def is_silent(sound: NDArray[np.floating], sample_rate: int = SAMPLE_RATE_HZ) -> bool:
    """Return whether no 30 ms of the sound reach ``SILENCE_DB``, so that no voice can be in it."""
    return not bool(np.any(_frame_levels_db(sound, sample_rate) > SILENCE_DB))


def _frame_levels_db(sound: NDArray[np.floating], sample_rate: int) -> NDArray[np.float64]:
    """Return the RMS level of each 30 ms, in dB of full scale."""
    frame_samples = max(1, round(FRAME_S * sample_rate))
    samples = clean(sound)
    # The last frame is filled up with its last sample, since falling to 0 could be a sound.
    frames = np.pad(samples, (0, -samples.size % frame_samples), mode="edge").reshape(-1, frame_samples)
    # About the mean of the frame: a constant offset is no sound.
    power = frames.var(axis=1, dtype=np.float64)
    levels: NDArray[np.float64] = 10 * np.log10(np.maximum(power, 1e-12))
    return levels


def _threshold_db(levels: NDArray[np.float64]) -> float:
    """Return the level above which a frame holds a voice."""
    if not levels.size:
        return SILENCE_DB
    noise, loud = np.percentile(levels, [NOISE_PERCENTILE, LOUD_PERCENTILE])
    adaptive = min(max(noise + ABOVE_NOISE_DB, loud - SPEECH_RANGE_DB), loud - LOUDEST_DB)
    return float(max(SILENCE_DB, adaptive))
