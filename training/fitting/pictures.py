"""Changes to training pictures of a face: what cameras, light and framing do, and what hides a part."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Generator = np.random.Generator
Pictures = NDArray[np.uint8]

# At a strength of 1: spread of the turn, largest zoom (a logarithm), largest shift as a share of the side.
_TURN_DEG, _ZOOM, _SHIFT = 6.0, 0.2, 0.08
_GAMMA: Final = 0.5
_LEAST_DETAIL: Final = 0.45
_NOISE_LEVELS: Final = 10.0
_HIDDEN_SHARE: Final = (0.12, 0.4)
# What poor cameras and codecs do: JPEG's quality, how much too dark or bright, how far the colours differ.
_JPEG_QUALITY: Final = (8, 60)
_EXPOSURE: Final = (0.4, 2.0)
_TINT: Final = 0.25
_WHITE: Final = 255


def augment_pictures(
    pictures: Pictures, generator: Generator, *, strength: float, motion: float = 0.0, camera: float = 0.0
) -> Pictures:
    """Return a window's face crops as they might have been, all changed alike.

    Turn, zoom and shift, as another framing would have it; brightness along a curve; the detail of a small
    face or a strong compression; noise; a patch that hides a part (Zhong et al. 2020). Of each, some windows
    get none: the idea of RandAugment (Cubuk et al. 2020) with changes that leave an expression what it is.

    Args:
        pictures: RGB, uint8 (frames, size, size, 3).
        generator: Where chance comes from.
        strength: 0 changes nothing, 1 is usual.
        motion: How much the framing moves from frame to frame, for pictures that stand still.
        camera: How often light that is clipped, a tint or a strong compression spoils them, relative to a
            usual share.
    """
    if strength <= 0 and motion <= 0 and camera <= 0:
        return pictures
    size = pictures.shape[1]
    still = len(pictures) == 1 or (motion > 0 and bool((pictures == pictures[0]).all()))
    framings = _framings(len(pictures), generator, strength, motion if still else 0.0, size)
    border = cv2.BORDER_CONSTANT if generator.random() < 0.5 else cv2.BORDER_REPLICATE  # noqa: PLR2004 - a coin
    changed: Pictures = np.stack(
        [
            cv2.warpAffine(picture, framing, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)
            for picture, framing in zip(pictures, framings, strict=True)
        ]
    ).astype(np.uint8, copy=False)
    if generator.random() < 0.25 * strength:
        changed = _with_less_detail(changed, generator.uniform(_LEAST_DETAIL, 0.9))
    if generator.random() < 0.5 * strength:
        changed = _brightened(changed, float(np.exp(generator.uniform(-_GAMMA, _GAMMA))))
    if generator.random() < 0.2 * strength:
        noise = generator.normal(0, generator.uniform(2, _NOISE_LEVELS), changed.shape)
        changed = np.clip(changed + noise, 0, _WHITE).astype(np.uint8)
    if camera > 0:
        changed = _spoiled(changed, generator, camera)
    if generator.random() < 0.4 * strength:
        _hide(changed, generator)
    return changed


def recoded(picture: Pictures, quality: int) -> Pictures:
    """Return a picture after a JPEG.

    Args:
        picture: RGB, uint8 (height, width, 3).
        quality: From 0 to 100.
    """
    _, coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    if decoded is None:
        raise ValueError("OpenCV does not read the JPEG that it wrote.")
    return decoded[..., ::-1].astype(np.uint8)


def _framings(
    count: int, generator: Generator, strength: float, motion: float, size: int
) -> list[NDArray[np.float64]]:
    """Return one (2, 3) matrix a frame: one framing for all, and a smooth movement about it."""
    base = np.concatenate(
        (
            generator.normal(0, _TURN_DEG, 1),
            generator.uniform(-_ZOOM, _ZOOM, 1),
            generator.uniform(-_SHIFT, _SHIFT, 2) * size,
        )
    )
    ends = generator.normal(0, 1, (2, 4)) * np.array((2.0, 0.03, 0.015 * size, 0.015 * size)) * motion
    along = np.linspace(0, 1, count)[:, None]
    return [_matrix(values, size) for values in base * strength + ends[0] * (1 - along) + ends[1] * along]


def _matrix(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    turn_deg, zoom, *shift = values.tolist()
    middle = (size - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), turn_deg, float(np.exp(zoom)))
    matrix[:, 2] += shift
    return np.asarray(matrix, np.float64)


def _with_less_detail(pictures: Pictures, share: float) -> Pictures:
    size = pictures.shape[1]
    small = max(8, round(size * share))
    return np.stack(
        [
            cv2.resize(cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA), (size, size))
            for picture in pictures
        ]
    ).astype(np.uint8, copy=False)


def _brightened(pictures: Pictures, gamma: float) -> Pictures:
    curve = (_WHITE * (np.arange(_WHITE + 1) / _WHITE) ** gamma).round().astype(np.uint8)
    return curve[pictures]


def _spoiled(pictures: Pictures, generator: Generator, amount: float) -> Pictures:
    """Return pictures as a poor camera gives them: exposed wrongly, tinted, and coded as JPEG."""
    if generator.random() < 0.3 * amount:
        gains = generator.uniform(*_EXPOSURE) * (1 + generator.uniform(-_TINT, _TINT, 3))
        pictures = np.clip(pictures * gains, 0, _WHITE).astype(np.uint8)
    if generator.random() < 0.3 * amount:
        quality = int(generator.integers(*_JPEG_QUALITY))
        pictures = np.stack([recoded(picture, quality) for picture in pictures])
    return pictures


def _hide(pictures: Pictures, generator: Generator) -> None:
    """Put a patch of one level over the same place of all pictures."""
    size = pictures.shape[1]
    low, high = (round(share * size) for share in _HIDDEN_SHARE)
    height, width = generator.integers(low, high + 1, 2)
    top, left = generator.integers(0, size - height + 1), generator.integers(0, size - width + 1)
    pictures[:, top : top + height, left : left + width] = generator.integers(0, _WHITE + 1)
