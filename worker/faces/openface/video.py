"""The video that OpenFace is given: upright, at a constant rate, of a plain kind; and frames of it.

The frames come decoded from the caller's sandbox. What is written here, and read again, is our own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from av.container import OutputContainer
from numpy.typing import NDArray

from shared.errors import TransientError

MAX_SIDE: Final = 1280
# OpenFace aborts on pictures of a few dozen pixels.
MIN_SIDE: Final = 120
# OpenFace's numbers move with the losses of encoding, so there are next to none. A minute of 640x360
# takes 60 MB this way, and a core encodes 200 frames a second.
_CODEC: Final = "libx264"
_CODEC_OPTIONS: Final = {"crf": "6", "preset": "ultrafast", "bf": "0", "threads": "1"}
_MAX_DENOMINATOR: Final = 1001


@dataclass(frozen=True)
class Video:
    """A video that was written.

    Attributes:
        path: The file; not there if there are no frames.
        frames: How many frames it has.
        scale_x: Its pixels for each pixel of the frames that it was made of, across.
        scale_y: The same, down.
    """

    path: Path
    frames: int
    scale_x: float
    scale_y: float


def write_video(
    frames: Iterable[NDArray[np.uint8]], path: Path, *, fps: float, checkpoint: Callable[[], None]
) -> Video:
    """Encode frames as H.264 in MP4, of even sizes that OpenFace takes.

    Args:
        frames: RGB, (H, W, 3), all of one size.
        path: The file to write.
        fps: Rate of the frames.
        checkpoint: Called for each frame; may raise to stop.

    Raises:
        TransientError: There is no room for the video now.
    """
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        return Video(path, 0, 1, 1)
    height, width = first.shape[:2]
    size = fitted_size(width, height)
    rate = Fraction(fps).limit_denominator(_MAX_DENOMINATOR)
    index = 0
    with _new_mp4(path) as container:
        stream = container.add_stream(_CODEC, rate=rate, options=_CODEC_OPTIONS)
        stream.width, stream.height = (side + side % 2 for side in size)
        stream.pix_fmt = "yuv420p"
        for index, picture in enumerate(chain((first,), pictures)):
            checkpoint()
            frame = av.VideoFrame.from_ndarray(_prepared(picture, size), format="rgb24")
            frame.pts, frame.time_base = index, 1 / rate
            with _writing():
                container.mux(stream.encode(frame))
        with _writing():
            container.mux(stream.encode(None))
    return Video(path, index + 1, size[0] / width, size[1] / height)


def read_back(
    video: Video, wanted: Iterable[int], checkpoint: Callable[[], None]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield the wanted frames of a video in order, each its number from 0 and RGB, (H, W, 3).

    Args:
        video: The video.
        wanted: Numbers of frames.
        checkpoint: Called for each frame of the video; may raise to stop.
    """
    missing = set(wanted)
    if not missing:
        return
    with av.open(video.path) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        for index, frame in enumerate(container.decode(stream)):
            checkpoint()
            if index in missing:
                yield index, frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                missing.remove(index)
                if not missing:
                    return


def fitted_size(width: int, height: int) -> tuple[int, int]:
    """Return the size at which OpenFace is shown pictures: large ones smaller, tiny ones larger."""
    scale = min(MAX_SIDE / max(width, height), max(1.0, MIN_SIDE / min(width, height)))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _prepared(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture at a size, its last column and row repeated where that is odd."""
    width, height = size
    if picture.shape[:2] != (height, width):
        smaller = picture.shape[0] > height
        picture = cv2.resize(
            picture, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
        ).astype(np.uint8, copy=False)
    padding = ((0, height % 2), (0, width % 2), (0, 0))
    return np.ascontiguousarray(np.pad(picture, padding, mode="edge") if height % 2 or width % 2 else picture)


@contextmanager
def _new_mp4(path: Path) -> Iterator[OutputContainer]:
    """Open a container to write; its file is ours, as PyAV forgets one that it opened for a full disk."""
    with _writing():
        file = path.open("wb")
    try:
        container = av.open(file, "w", format="mp4")
        try:
            yield container
        finally:
            with _writing():
                container.close()
    finally:
        with _writing():
            file.close()


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except (OSError, av.FFmpegError) as error:
        raise TransientError("The video for OpenFace cannot be written now.") from error
