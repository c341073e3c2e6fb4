"""One measured run of an analyzer over a clip: a process of its own, on one core."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.model.memory import measure_peak
from shared.settings import Settings
from worker.media.frames import read_frames
from worker.media.probe import MediaInfo, probe

Frame = NDArray[np.uint8]
# Takes frames, how many there are, their rate, and what to call for each; returns how many had a face.
Analyze = Callable[[Iterator[Frame], int, float, Callable[[], None]], int]

# Frames at the start that load what is loaded once.
WARM_UP_FRAMES = 10
# How often the decoder's memory is looked at.
LOOK_EVERY_FRAMES = 25


@dataclass(frozen=True)
class Run:
    """What one run took.

    Attributes:
        frames: Frames decoded and analysed.
        faces: How many of them had a face.
        seconds: Wall clock from the start of the decoder to the last row.
        cpu_seconds: Processor time of that, FFmpeg's included: what wall clock would be on an idle core.
        peak_bytes: Most resident memory of the process, its libraries included; None but on Linux.
        decoder_bytes: The same, of FFmpeg, as looked at now and then.
    """

    frames: int
    faces: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int | None
    decoder_bytes: int

    @property
    def frames_per_s(self) -> float:
        """Speed by the clock, decoding included."""
        return self.frames / self.seconds

    @property
    def frames_per_cpu_s(self) -> float:
        """Speed in processor time, which other processes disturb less."""
        return self.frames / self.cpu_seconds


def measure(load: Callable[[], Analyze], clip: Path, frames: int) -> Run:
    """Run an analyzer over the first frames of an MP4 file, in a fresh process on one core.

    Args:
        load: Loads the analyzer; a function of a module, as another process calls it.
        clip: The file; it must have as many frames.
        frames: How many frames are read, at the clip's own rate, as the service reads them.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measure_here, load, clip, frames).result()


def _measure_here(load: Callable[[], Analyze], clip: Path, frames: int) -> Run:
    if hasattr(os, "sched_setaffinity"):
        # FFmpeg, which this process starts, stays on that core, too.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    settings, watch, faces, seconds, cpu_seconds = Settings(), _DecoderWatch(), 0, 0.0, 0.0
    media = probe(
        clip,
        "mov",
        max_pixels=settings.max_pixels,
        max_duration_s=settings.max_duration_s,
        memory_mb=settings.decode_memory_mb,
        time_limit_s=settings.stage_time_limit_s,
    )
    analyze = load()
    analyze(_frames(clip, media, WARM_UP_FRAMES, settings), WARM_UP_FRAMES, media.fps or 1, watch)

    def work() -> None:
        nonlocal faces, seconds, cpu_seconds
        start, cpu_start = time.perf_counter(), _cpu_seconds()
        faces = analyze(_frames(clip, media, frames, settings), frames, media.fps or 1, watch)
        seconds, cpu_seconds = time.perf_counter() - start, _cpu_seconds() - cpu_start

    peak = measure_peak(work)
    peak_bytes = None if peak is None else peak["peak_bytes"]
    return Run(frames, faces, seconds, cpu_seconds, peak_bytes, watch.most_bytes)


def _cpu_seconds() -> float:
    # The decoder counts once it has ended, which it has when the last frame was read.
    return sum(os.times()[:4])


def _frames(clip: Path, media: MediaInfo, count: int, settings: Settings) -> Iterator[Frame]:
    fps = media.fps or 1
    return read_frames(
        clip,
        media,
        start_s=0,
        end_s=count / fps,
        fps=fps,
        max_side=settings.frame_side,
        memory_mb=settings.decode_memory_mb,
        time_limit_s=settings.stage_time_limit_s,
    )


class _DecoderWatch:
    """Looks at the resident memory of this process's children; to be called once a frame."""

    def __init__(self) -> None:
        self.most_bytes = 0
        self._calls = 0
        # Of the thread that starts them, which is the only one here that does.
        self._children = Path(f"/proc/self/task/{threading.get_native_id()}/children")

    def __call__(self) -> None:
        self._calls += 1
        if self._calls % LOOK_EVERY_FRAMES == 0 and self._children.exists():
            self.most_bytes = max(self.most_bytes, *map(_peak_bytes, self._children.read_text().split()), 0)


def _peak_bytes(process: str) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
