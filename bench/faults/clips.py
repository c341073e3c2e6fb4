"""The clips of the run: three lengths, each file of other bytes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tests.media_factory import face_video

# Short segments, so that some of the short clips have two.
SEGMENT_S = 4.0


class Length(NamedTuple):
    """A length of clip, and what it is cut into."""

    duration_s: float
    segments: int
    windows: int


SHORT = Length(1.5, 1, 1)
MIDDLE = Length(3.0, 1, 2)
LONG = Length(5.0, 2, 3)
# Of ten clips in a row.
MIX = (LONG, *[MIDDLE] * 3, *[SHORT] * 6)


class Clips:
    """As many clips as are asked for: the same three films, with a number in the bytes of each."""

    def __init__(self, folder: Path) -> None:
        """Make the films in ``folder``."""
        self._films = {
            length: face_video(folder / f"{length.duration_s}.mp4", duration_s=length.duration_s).read_bytes()
            for length in (SHORT, MIDDLE, LONG)
        }

    def content(self, number: int) -> bytes:
        """Return the bytes of a clip."""
        # A box of free space at the end, which every reader skips.
        return self._films[length_of(number)] + (12).to_bytes(4) + b"free" + number.to_bytes(4)


def length_of(number: int) -> Length:
    """Return the length of a clip."""
    return MIX[number % len(MIX)]
