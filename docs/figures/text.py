"""Text on figures; needs OpenCV 5."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

MARGIN_PX = 16
INK, PALE = (30, 30, 30), (110, 110, 110)

Picture = NDArray[np.uint8]


def write(  # noqa: PLR0913 - all but text and place have their usual values
    canvas: Picture,
    text: str,
    y: int,
    *,
    x: int = MARGIN_PX,
    size: int = 14,
    weight: int = 400,
    colour: tuple[int, int, int] = INK,
) -> None:
    """Write a line of text whose foot is at ``y``."""
    cv2.putText(canvas, text, (x, y), colour, cv2.FontFace("sans"), size, weight)
