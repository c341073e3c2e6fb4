"""Changes to pictures of faces, as other cameras, cutters and codecs would have made them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.fitting.pictures import recoded

Picture = NDArray[np.uint8]
# From a picture, RGB (H, W, 3), and its number to another one; all of a stack get the same size.
Change = Callable[[Picture, int], Picture]

TIGHT, LOOSE, SHIFT = 0.8, 1.25, 0.1
DARK, BRIGHT, JPEG_QUALITY, ENLARGED = 0.4, 1.7, 20, 4
# Gain of red, green and blue: a lamp, and a screen.
WARM, COLD = (1.0, 0.8, 0.55), (0.7, 0.85, 1.0)
# Left, right, up, down, in turns.
DIRECTIONS: Final = ((-1, 0), (1, 0), (0, -1), (0, 1))


def framed(picture: Picture, share: float, *, right: float = 0.0, down: float = 0.0) -> Picture:
    """Return what a square of another size or place shows; beyond the border its last pixels go on.

    Args:
        picture: Any size, (H, W, 3).
        share: Side of what is shown by that of the picture: less than 1 is tighter.
        right: How far to the right it is taken, by the picture's width.
        down: How far down, by its height.
    """
    height, width = picture.shape[:2]
    shown = round(height * share), round(width * share)
    top = round((height - shown[0]) / 2 + down * height)
    left = round((width - shown[1]) / 2 + right * width)
    beyond = max(0, -top, -left, top + shown[0] - height, left + shown[1] - width)
    wide = cv2.copyMakeBorder(picture, beyond, beyond, beyond, beyond, cv2.BORDER_REPLICATE)
    top, left = top + beyond, left + beyond
    return wide[top : top + shown[0], left : left + shown[1]].astype(np.uint8)


def off_centre(picture: Picture, number: int) -> Picture:
    """Return the picture a tenth off its place, to another side from one number to the next."""
    x, y = DIRECTIONS[number % len(DIRECTIONS)]
    return framed(picture, 1.0, right=SHIFT * x, down=SHIFT * y)


def tinted(picture: Picture, gains: tuple[float, float, float]) -> Picture:
    """Return the picture in another light."""
    levels: NDArray[np.float64] = np.rint(picture * np.array(gains))
    return levels.clip(0, 255).astype(np.uint8)


def resized(picture: Picture, factor: float) -> Picture:
    """Return the picture at another size."""
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=method).astype(np.uint8)


# What comes before the analyzer, so that it can make good for it; the first changes nothing.
CHANGES: Mapping[str, Change] = {
    "as they are": lambda picture, _: picture,
    f"picture tight (x{TIGHT:g})": lambda picture, _: framed(picture, TIGHT),
    f"picture loose (x{LOOSE:g})": lambda picture, _: framed(picture, LOOSE),
    "picture off-centre (10 %)": off_centre,
    "warm light": lambda picture, _: tinted(picture, WARM),
    "cold light": lambda picture, _: tinted(picture, COLD),
    "half resolution": lambda picture, _: resized(picture, 0.5),
    f"enlarged (x{ENLARGED})": lambda picture, _: resized(picture, ENLARGED),
    f"dark (x{DARK:g})": lambda picture, _: tinted(picture, (DARK, DARK, DARK)),
    f"bright (x{BRIGHT:g}, clipped)": lambda picture, _: tinted(picture, (BRIGHT, BRIGHT, BRIGHT)),
    f"JPEG, quality {JPEG_QUALITY}": lambda picture, _: recoded(picture, JPEG_QUALITY),
}
