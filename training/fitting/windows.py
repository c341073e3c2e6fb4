"""Single windows, cut out of the features of their sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.features.sample_features import SampleFeatures
from worker.audio.features import SoundFeatures
from worker.fusion import Seen
from worker.fusion.segment import LEAST_VOICE

# The images of a window show a little of what lies outside it.
_MARGIN_S = 1.0


def windows_in(features: SampleFeatures) -> list[tuple[int, int]]:
    """Return segment and place of each window of a sample."""
    return [
        (number, place)
        for number, segment in enumerate(features.segments)
        for place in range(len(segment.windows))
    ]


def has_face(segment: SampleFeatures, place: int) -> bool:
    """Tell whether a window shows a face."""
    rows = segment.seen.rows[place]
    return bool(segment.seen.found[rows[rows >= 0]].any())


def has_voice(segment: SampleFeatures, place: int) -> bool:
    """Tell whether a window holds a voice that serving would use."""
    heard = segment.sound is not None and not segment.silent
    return bool(heard and segment.activity[place] >= LEAST_VOICE)


def cut(segment: SampleFeatures, place: int) -> SampleFeatures:
    """Return one window of a segment, with the sound around it; each crop stands in it once."""
    rows, seen = segment.seen.rows[place], segment.seen
    known = rows >= 0
    used, order = np.unique(rows[known], return_inverse=True)
    taken = np.full_like(rows, -1)
    taken[known] = order
    return replace(
        segment,
        windows=(segment.windows[place],),
        seen=Seen(
            seen.crops[used],
            seen.found[used],
            taken[None],
            None if seen.series is None else seen.series[place : place + 1],
        ),
        sound=None if segment.sound is None else _around(segment.sound, segment, place),
        activity=segment.activity[place : place + 1],
        table=None,
        further=(),
    )


def _around(sound: SoundFeatures, segment: SampleFeatures, place: int) -> SoundFeatures:
    window = segment.windows[place]
    first = max(0, int((window.start_s - _MARGIN_S - sound.start_s) / sound.hop_s))
    stop = int((window.end_s + _MARGIN_S - sound.start_s) / sound.hop_s) + 2
    return replace(
        sound,
        log_mel=sound.log_mel[:, first:stop],
        mfcc=sound.mfcc[:, first:stop],
        start_s=sound.start_s + first * sound.hop_s,
    )
