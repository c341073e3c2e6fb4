"""The pictures of a span of media: upright, at a constant rate, no larger than asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.errors import AvemotionError, ErrorCode
from worker.media.decoder import decode
from worker.media.probe import MediaInfo
from worker.media.sandbox import no_checkpoint

# Without an index FFmpeg lands somewhere near the wanted time: start before it. A raw stream of frames
# has no times at all: start at the beginning.
_PREROLL_S = {"mpeg": 10.0, "mpegts": 10.0, "flv": 10.0, "mpegvideo": math.inf}
# A picture's time may come a little late (Matroska counts whole milliseconds) and still be on time.
_EARLY_S, _EARLY_FRAMES = 0.002, 0.25
_TURNS = {90: ["transpose=cclock"], 180: ["hflip", "vflip"], 270: ["transpose=clock"]}
_SIDEWAYS = (90, 270)
# Floating point noise of times, far less than one frame.
_TOLERANCE_FRAMES = 1e-3
# A stream may change its picture's size on the way, but not to any size.
_SIZE_HEADROOM = 4
_LEAST_MAX_PIXELS = 1920 * 1088


def read_frames(  # noqa: PLR0913 - each limit is named.
    path: Path,
    media: MediaInfo,
    *,
    start_s: float,
    end_s: float,
    fps: float,
    max_side: int,
    memory_mb: int,
    time_limit_s: float,
    checkpoint: Callable[[], None] = no_checkpoint,
) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures of [start_s, end_s), each (H, W, 3) uint8 RGB, upright, in square pixels.

    Picture k is what is seen at ``start_s + k / fps``: pictures are repeated or left out as the media's
    own rate demands, and those before the first are copies of it. There are as many as there are such k
    before ``end_s``, fewer only where the media end first. All have the size that ``frame_size`` says.

    Args:
        path: The file.
        media: What ``probe`` said of it.
        start_s: Start of the span, in seconds from the start of the media.
        end_s: Its end.
        fps: Frames a second.
        max_side: Largest side of a picture in pixels; smaller pictures are not enlarged.
        memory_mb: Address space of the decoder.
        time_limit_s: How long, in all, the decoder may keep the caller waiting.
        checkpoint: Called a few times a second while pictures are asked for; may raise to abort.

    Raises:
        AvemotionError: `NO_VIDEO_STREAM`, `MEDIA_UNREADABLE`, `OUT_OF_MEMORY`, `TIMEOUT`.
        TransientError: The machine has no room for another process now.
    """
    width, height = frame_size(media, max_side)
    count = math.ceil((end_s - start_s) * fps - _TOLERANCE_FRAMES)
    if count <= 0:
        return
    seek_s = max(0.0, start_s - _PREROLL_S.get(media.demuxer, 0.0))
    pieces = decode(
        path,
        media.demuxer,
        # One graph of filters for all pictures, also where their size changes on the way.
        input_options=[
            *_seek(seek_s),
            "-noautorotate",
            "-reinit_filter",
            "0",
            "-max_pixels",
            _max_pixels(media),
        ],
        output_options=[
            *("-map", f"0:{media.video_stream}"),
            *("-vf", ",".join([*_even_rate(start_s - seek_s, fps), *_upright(media, width, height)])),
            *("-frames:v", str(count), "-fps_mode", "passthrough"),
            *("-f", "rawvideo", "-pix_fmt", "rgb24"),
        ],
        piece_bytes=width * height * 3,
        memory_mb=memory_mb,
        time_limit_s=time_limit_s,
        checkpoint=checkpoint,
    )
    for piece in pieces:
        if len(piece) == width * height * 3:
            yield np.frombuffer(piece, np.uint8).reshape(height, width, 3)


def frame_size(media: MediaInfo, max_side: int) -> tuple[int, int]:
    """Return width and height of the pictures that ``read_frames`` yields.

    Raises:
        AvemotionError: `NO_VIDEO_STREAM`.
    """
    if not media.width or not media.height:
        raise AvemotionError(ErrorCode.NO_VIDEO_STREAM)
    scale = min(1.0, max_side / max(media.width, media.height))
    return max(1, round(media.width * scale)), max(1, round(media.height * scale))


def _seek(seek_s: float) -> list[str]:
    # Decoding starts at the key frame before, and what it gives is kept: the picture that is still
    # seen when the span starts may be from long before. Times count from `seek_s`.
    return ["-noaccurate_seek", "-ss", f"{seek_s:.6f}"] if seek_s > 0 else []


def _even_rate(start_s: float, fps: float) -> list[str]:
    """Return filters that show at k / fps what is seen ``start_s`` later on FFmpeg's clock."""
    early_s = min(_EARLY_S, _EARLY_FRAMES / fps)
    return [
        "settb=AVTB",
        f"setpts=PTS-{round((start_s + early_s) * 1e6)}",
        f"fps=fps={fps:.9g}:start_time=0:round=up",
    ]


def _upright(media: MediaInfo, width: int, height: int) -> list[str]:
    """Return filters that bring stored pictures to a size, upright; made small first, as that is cheaper."""
    stored = (height, width) if media.rotation in _SIDEWAYS else (width, height)
    mirror = ["hflip"] if media.mirrored else []
    return ["scale={}:{}".format(*stored), *mirror, *_TURNS.get(media.rotation, [])]


def _max_pixels(media: MediaInfo) -> str:
    return str(max(_LEAST_MAX_PIXELS, _SIZE_HEADROOM * (media.width or 0) * (media.height or 0)))
