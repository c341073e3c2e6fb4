"""Clips of the sizes whose cost is measured."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from tests.media_encoding import video, voice
from tests.media_factory import face_frames

FPS = 25


class Size(NamedTuple):
    """Length and height of a clip; it is 16:9."""

    seconds: int
    height: int

    @property
    def name(self) -> str:
        """Return such as ``3s-360p``."""
        return f"{self.seconds}s-{self.height}p"


SIZES = (Size(3, 360), Size(10, 720), Size(60, 1080))


def make_clip(folder: Path, size: Size) -> Path:
    """Write a clip of a real face, enlarged, between black bars, with a voice-like sound."""
    width = size.height * 16 // 9
    film = []
    for picture in face_frames():
        inner = picture.shape[1] * size.height // picture.shape[0]
        wide = cv2.resize(picture, (inner, size.height), interpolation=cv2.INTER_CUBIC)
        left = (width - inner) // 2
        film.append(np.pad(wide, ((0, 0), (left, width - inner - left), (0, 0))))
    turn = len(film) - 1
    # To and fro: a second of film lasts as long as it takes.
    frames = [film[turn - abs(k % (2 * turn) - turn)] for k in range(size.seconds * FPS)]
    return video(folder / f"{size.name}.mp4", frames=frames, fps=FPS, sound=voice(size.seconds))
