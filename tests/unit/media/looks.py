"""What the tests of media do again and again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.sniff import HEAD_BYTES, sniff
from worker.media.frames import read_frames
from worker.media.probe import MediaInfo, probe
from worker.media.sandbox import no_checkpoint
from worker.media.sound import read_sound

MEMORY_MB = 2048
TIME_LIMIT_S = 60.0


def look(
    path: Path,
    *,
    max_pixels: int = 8192 * 4320,
    max_duration_s: float = 4 * 3600,
    time_limit_s: float = TIME_LIMIT_S,
) -> MediaInfo:
    """Sniff and probe a file as the service does."""
    with path.open("rb") as file:
        media_type = sniff(file.read(HEAD_BYTES))
    assert media_type is not None
    return probe(
        path,
        media_type.demuxer,
        max_pixels=max_pixels,
        max_duration_s=max_duration_s,
        memory_mb=MEMORY_MB,
        time_limit_s=time_limit_s,
    )


def watch(  # noqa: PLR0913 - as many as `read_frames` has.
    path: Path,
    start_s: float = 0,
    end_s: float | None = None,
    *,
    fps: float = 25,
    max_side: int = 640,
    time_limit_s: float = TIME_LIMIT_S,
    checkpoint: Callable[[], None] = no_checkpoint,
) -> list[NDArray[np.uint8]]:
    """Return the pictures of a span, by default of all of a file."""
    info = look(path)
    return list(
        read_frames(
            path,
            info,
            start_s=start_s,
            end_s=info.duration_s if end_s is None else end_s,
            fps=fps,
            max_side=max_side,
            memory_mb=MEMORY_MB,
            time_limit_s=time_limit_s,
            checkpoint=checkpoint,
        )
    )


def listen(path: Path, start_s: float = 0, end_s: float | None = None) -> NDArray[np.float32]:
    """Return the sound of a span, by default of all of a file."""
    info = look(path)
    return read_sound(
        path,
        info,
        start_s=start_s,
        end_s=info.duration_s if end_s is None else end_s,
        memory_mb=MEMORY_MB,
        time_limit_s=TIME_LIMIT_S,
    )
