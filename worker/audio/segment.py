"""The sound of one segment: its features, and where in it there is a voice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.settings import Settings
from worker.audio.features import SoundFeatures, extract
from worker.audio.voice import is_silent, voice_activity
from worker.media.probe import MediaInfo
from worker.media.sound import read_sound
from worker.windows import SegmentPlan

# The images of a segment's first and last windows show a little of what lies outside it.
MARGIN_S = 1.0
# Results are written with so many digits, and what they say decides whether a window has a voice.
ACTIVITY_DIGITS = 4


@dataclass(frozen=True, eq=False)
class SegmentSound:
    """What was heard in a segment.

    Attributes:
        features: Of the sound, with its margins.
        silent: Whether it is silent throughout.
        activity: Share of each window that holds a voice, float32 (windows,).
    """

    features: SoundFeatures
    silent: bool
    activity: NDArray[np.float32]


def listen(
    path: Path,
    media: MediaInfo,
    segment: SegmentPlan,
    settings: Settings,
    checkpoint: Callable[[], None],
) -> SegmentSound:
    """Listen to a segment.

    Args:
        path: The file with the sound.
        media: What ``probe`` said of it.
        segment: Which part of it to listen to.
        settings: The decoder's limits.
        checkpoint: Called a few times a second; may raise to abort.

    Raises:
        AvemotionError: The sound cannot be decoded.
    """
    start_s = max(0.0, segment.start_s - MARGIN_S)
    sound = read_sound(
        path,
        media,
        start_s=start_s,
        end_s=segment.end_s + MARGIN_S,
        memory_mb=settings.decode_memory_mb,
        time_limit_s=settings.stage_time_limit_s,
        checkpoint=checkpoint,
    )
    features = extract(sound, start_s)
    checkpoint()
    voice = voice_activity(sound, segment.windows, start_s=start_s)
    activity = np.array([round(float(share), ACTIVITY_DIGITS) for share in voice], np.float32)
    return SegmentSound(features, is_silent(sound), activity)
