"""Stills: one picture each, from an image file or out of a file with many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from training.datasets.sample import Still
from training.features.sources import first_bytes, version_of_file
from training.features.stacks import Picture, read_stack
from worker.media.frames import read_frames
from worker.media.material import probe_within

# First bytes of image files, and the one demuxer that may open each: the decoder is not left to guess.
_DEMUXERS = ((b"\xff\xd8\xff", "jpeg_pipe"), (b"\x89PNG\r\n\x1a\n", "png_pipe"), (b"BM", "bmp_pipe"))
_GREY_AXES = 2


def read_still(still: Still, settings: Settings, checkpoint: Callable[[], None]) -> Picture:
    """Return a picture as the analyzer of faces takes it: RGB, uint8 (H, W, 3), at most ``frame_side``.

    An image file is decoded as serving decodes a clip, by a child that has limits.

    Args:
        still: Which picture.
        settings: Size of the picture, and the decoder's limits.
        checkpoint: Called a few times a second; may raise to abort.

    Raises:
        AvemotionError: The picture is not there, too large, or cannot be decoded.
    """
    if still.index is None:
        return _decoded(still.path, settings, checkpoint)
    pictures = _pictures(still.path, version_of_file(still.path))
    picture = pictures[still.index] if 0 <= still.index < len(pictures) else None
    if picture is None:
        raise AvemotionError(
            ErrorCode.INVALID_DATASET, f"{still.path} has no picture number {still.index}, counted from 0."
        )
    if picture.ndim == _GREY_AXES:
        picture = np.repeat(picture[..., None], 3, axis=2)
    return _shrunk(np.ascontiguousarray(picture), settings.frame_side)


# One file has all stills of a data set; of another version nothing is taken.
@lru_cache(maxsize=1)
def _pictures(path: Path, _version: tuple[int, int]) -> Sequence[Picture | None]:
    return read_stack(path)


def _decoded(path: Path, settings: Settings, checkpoint: Callable[[], None]) -> Picture:
    head = first_bytes(path)
    demuxer = next((name for start, name in _DEMUXERS if head.startswith(start)), None)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        demuxer = "webp_pipe"
    if demuxer is None:
        raise AvemotionError(
            ErrorCode.UNSUPPORTED_MEDIA, f"{path} is no JPEG, PNG, BMP or WebP by its content."
        )
    frames = read_frames(
        path,
        probe_within(path, demuxer, settings, checkpoint),
        start_s=0,
        end_s=1 / settings.fps,
        fps=settings.fps,
        max_side=settings.frame_side,
        memory_mb=settings.decode_memory_mb,
        time_limit_s=settings.stage_time_limit_s,
        checkpoint=checkpoint,
    )
    pictures = list(frames)
    if not pictures:
        raise AvemotionError(ErrorCode.MEDIA_UNREADABLE, f"The picture in {path} cannot be decoded.")
    return pictures[0]


def _shrunk(picture: Picture, max_side: int) -> Picture:
    """Return a picture no larger than those of a clip in serving."""
    height, width = picture.shape[:2]
    scale = max_side / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
