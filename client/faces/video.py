"""The clip with what was seen drawn on it."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from client.faces.overlay import draw
from worker.faces.table import FaceTable

# Frames are drawn on: 0 would keep every grain of them.
CONSTANT_RATE_FACTOR = "20"


def write_overlay(out: Path, frames: Iterable[NDArray[np.uint8]], table: FaceTable, fps: float) -> None:
    """Write an H.264 video of frames (H, W, 3) RGB with each row of ``table`` drawn on its own."""
    rate = Fraction(fps).limit_denominator(1000)
    with av.open(str(out), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": CONSTANT_RATE_FACTOR})
        for index, frame in zip(range(len(table)), frames, strict=False):
            picture = draw(frame, table, index)
            if index == 0:
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
            container.mux(stream.encode(VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
