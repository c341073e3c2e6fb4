"""Time: which windows a clip has, which segments they lie in, which frames they take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Floating point noise of container timestamps: far less than one frame.
TOLERANCE_S = 1e-3
# A rest shorter than this share of a window is not worth a window of its own.
LEAST_REST = 1 / 8
# 64 fused windows of the usual model are 154 MB: what a worker holds of a segment.
SEGMENT_WINDOWS = 64


@dataclass(frozen=True)
class Window:
    """A span that becomes one model input."""

    index: int
    start_s: float
    end_s: float


@dataclass(frozen=True)
class SegmentPlan:
    """A span of media and the windows inside it; their indices count from 0 in each segment."""

    index: int
    start_s: float
    end_s: float
    windows: tuple[Window, ...]


def plan_windows(duration_s: float, window_s: float, stride_s: float) -> list[Window]:
    """Return the windows of a clip: one every ``stride_s`` while a whole one fits.

    Media left over at the end, if they are worth it, are covered by a last window that ends where the
    media end, so that every window but that of a very short clip is whole. A clip shorter than
    ``window_s`` has one window of its own length.
    """
    if duration_s <= window_s + TOLERANCE_S:
        return [Window(0, 0.0, duration_s)]
    whole = math.floor((duration_s - window_s) / stride_s + TOLERANCE_S) + 1
    starts = [k * stride_s for k in range(whole)]
    if duration_s - (starts[-1] + window_s) > LEAST_REST * window_s:
        starts.append(duration_s - window_s)
    return [Window(k, start, min(start + window_s, duration_s)) for k, start in enumerate(starts)]


def plan_segments(windows: Sequence[Window], segment_s: float) -> list[SegmentPlan]:
    """Group windows into segments of at most ``segment_s`` (or of one window, if that is longer).

    None has more than ``SEGMENT_WINDOWS``. A segment spans its windows and no more, so that no media
    are decoded for nothing.
    """
    groups: list[list[Window]] = []
    for window in windows:
        fits = groups and window.end_s - groups[-1][0].start_s <= segment_s + TOLERANCE_S
        if fits and len(groups[-1]) < SEGMENT_WINDOWS:
            groups[-1].append(window)
        else:
            groups.append([window])
    return [
        SegmentPlan(
            index,
            group[0].start_s,
            group[-1].end_s,
            tuple(Window(k, window.start_s, window.end_s) for k, window in enumerate(group)),
        )
        for index, group in enumerate(groups)
    ]


def frame_indices(
    window: Window, *, segment_start_s: float, fps: float, window_fps: float, count: int
) -> list[int]:
    """Return which frames of a segment the window takes: ``count`` of them, evenly spread.

    The window is sampled at ``window_fps`` (a 2 s window at 16 frames a second: 32 instants), and of
    those instants ``count`` are taken in even steps; each is served by the nearest frame of the
    segment, whose rate is ``fps``. A window with fewer instants than ``count`` repeats frames.
    """
    instants = max(1, round((window.end_s - window.start_s) * window_fps))
    offset_s = window.start_s - segment_start_s
    # The middle of each step: a window's first and last moments weigh the same.
    picked = [math.floor((k + 0.5) * instants / count) for k in range(count)]
    last = max(0, math.ceil((window.end_s - segment_start_s) * fps - TOLERANCE_S) - 1)
    return [min(round((offset_s + p / window_fps) * fps), last) for p in picked]
