"""Sound as images: what the model sees of it, and what a person is shown.

A picture is the features and nothing else: no axes, no title, no margin. Low frequencies (and low
coefficients) lie at the bottom, time runs to the right.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.audio.features import SoundFeatures
from worker.audio.scales import LOG_MEL, MFCC, Scale

# Each image shows at least this much time. At 224 pixels a 16-pixel patch is then 71 ms, about one
# speech sound, and the whole image a word or two: enough for a pitch movement or a pause to be seen.
SPAN_S = 1.0
# A long window's images show this many steps from one image to the next, so that no moment is missed.
SPAN_STEPS = 2
# The seam between log-mel and MFCC lies on an edge of the encoder's patches.
PATCH_PX = 16
MFCC_SHARE = 2 / 7

OVERVIEW_WIDTH_PX = 1200
OVERVIEW_HEIGHT_PX = 320
OVERVIEW_PX_A_COLUMN = 4

SHEET_TILE_PX = 96
SHEET_ROWS = 60
SHEET_PIXELS = 2_000_000
# Between pictures: a black one, which the model does not see, must be told from its neighbours.
SHEET_GAP_PX = 2
SHEET_GAP_LEVEL = 128

# (256, 3), RGB: dark blue to yellow, evenly perceived.
_COLOURS: NDArray[np.uint8] = cv2.cvtColor(
    cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB
)[:, 0].astype(np.uint8)


def draw(matrix: NDArray[np.floating], width: int, height: int, scale: Scale = LOG_MEL) -> NDArray[np.uint8]:
    """Return features as an image.

    Args:
        matrix: Features, (rows, T), lowest first; without columns they are drawn as silence.
        width: Pixels.
        height: Pixels.
        scale: ``LOG_MEL`` or ``MFCC``: which values are dark and which bright.

    Returns:
        RGB image, (height, width, 3).
    """
    levels = scale.levels(matrix) if matrix.shape[1] else scale.silence_levels
    return _paint(_resize(levels, width, height))


def span_s(window_s: float, count: int) -> float:
    """Return how much time each of a window's ``count`` images shows."""
    return max(SPAN_S, SPAN_STEPS * window_s / count)


def window_images(
    features: SoundFeatures, window_start_s: float, window_end_s: float, count: int, size: int
) -> NDArray[np.uint8]:
    """Return the images of a window: image k shows the sound around the k-th face frame.

    The window is cut into ``count`` equal steps. Face frame k lies in the middle of step k, and so
    does the middle of image k, which shows 1 s (see ``SPAN_S``; in windows above 4 s, two steps).
    That is more than a step: a quarter of a second alone would hold one syllable stretched over the
    whole width, and neither melody nor rhythm. Neighbours overlap, so from image to image the sound
    moves to the left, and the two images of one tubelet show motion as two face frames do. One scale
    of time for all usual windows means that a sound looks the same in each of them.

    Log-mel (where the energy is: pitch, harmonics, loudness) takes the upper five sevenths, MFCC (the
    shape of the spectrum without pitch) the lower two: at 224 pixels 10 and 4 rows of patches.

    Args:
        features: Features of the segment, with margin before and after where there is any; time
            without sound is drawn as silence.
        window_start_s: From the start of the media, like ``features.start_s``.
        window_end_s: The same.
        count: Images.
        size: Width and height in pixels.

    Returns:
        RGB images, (count, size, size, 3).
    """
    window_s = window_end_s - window_start_s
    middles_s = window_start_s + (np.arange(count) + 0.5) * window_s / count
    shown_s = span_s(window_s, count)
    # Several instants a pixel where columns lie closer than pixels: averaged, so that none is lost.
    instants = size * math.ceil(shown_s / features.hop_s / size)
    offsets_s = ((np.arange(instants) + 0.5) / instants - 0.5) * shown_s
    times_s = (middles_s[:, None] + offsets_s).ravel()
    lower = _mfcc_height(size)
    parts = [
        _resize(
            _levels_at(matrix, scale, (times_s - features.start_s) / features.hop_s)
            .reshape(len(matrix), count * size, -1)
            .mean(axis=2),
            count * size,
            height,
        )
        for matrix, scale, height in (
            (features.mfcc, MFCC, lower),
            (features.log_mel, LOG_MEL, size - lower),
        )
    ]
    strip = _paint(np.concatenate(parts)).reshape(size, count, size, 3)
    return np.ascontiguousarray(strip.swapaxes(0, 1))


def overview(matrix: NDArray[np.floating], scale: Scale = LOG_MEL) -> NDArray[np.uint8]:
    """Return a whole sound's features as one image for people.

    Args:
        matrix: Features, (rows, T).
        scale: ``LOG_MEL`` or ``MFCC``.

    Returns:
        RGB image, (320, at most 1200, 3); a short sound has a narrow image.
    """
    width = OVERVIEW_PX_A_COLUMN * matrix.shape[1]
    return draw(matrix, min(max(width, OVERVIEW_HEIGHT_PX), OVERVIEW_WIDTH_PX), OVERVIEW_HEIGHT_PX, scale)


def sequence_sheet(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what the model saw as one image for people: a row a window, a column a picture.

    Of more than 60 windows, 60 are shown, evenly spread. Pictures shrink to at most 96 pixels, and
    further where the sheet would pass ``SHEET_PIXELS``; thin grey lines part them.

    Args:
        frames: RGB pictures, (windows, pictures, size, size, 3), as ``FusedWindows.shown``.

    Returns:
        RGB image; one dark row where there is no window.
    """
    windows, columns, size = frames.shape[:3]
    rows = max(1, min(windows, SHEET_ROWS))
    fitting = math.isqrt(SHEET_PIXELS // (rows * columns)) - SHEET_GAP_PX
    side = max(1, min(size, SHEET_TILE_PX, fitting))
    step = side + SHEET_GAP_PX
    sheet = np.full((rows, step, columns, step, 3), SHEET_GAP_LEVEL, np.uint8)
    sheet[:, :side, :, :side] = 0
    for row, window in enumerate(np.linspace(0, windows - 1, min(windows, rows)).round().astype(int)):
        for column, frame in enumerate(frames[window]):
            sheet[row, :side, column, :side] = cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA)
    return sheet.reshape(rows * step, columns * step, 3)[:-SHEET_GAP_PX, :-SHEET_GAP_PX]


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Return an RGB image, (height, width, 3), as the bytes of a PNG file."""
    _, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return data.tobytes()


def _mfcc_height(size: int) -> int:
    """Return the height of the MFCC part: whole patches where the image holds two or more."""
    if size < 2 * PATCH_PX:
        return max(1, round(size * MFCC_SHARE))
    return max(1, round(size * MFCC_SHARE / PATCH_PX)) * PATCH_PX


def _levels_at(
    matrix: NDArray[np.floating], scale: Scale, positions: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the brightness at fractional columns, (rows, positions); silence outside the sound."""
    columns = matrix.shape[1]
    # A column stands for half a hop on either side.
    inside = np.abs(positions - (columns - 1) / 2) <= columns / 2
    levels = np.broadcast_to(scale.silence_levels, (len(matrix), positions.size)).copy()
    if inside.any():
        place = np.clip(positions[inside], 0, columns - 1)
        left = place.astype(np.int64)
        first = int(left.min())
        near = scale.levels(matrix[:, first : int(left.max()) + 2])
        left -= first
        right = np.minimum(left + 1, near.shape[1] - 1)
        weight = (place - first - left).astype(np.float32)
        levels[:, inside] = near[:, left] * (1 - weight) + near[:, right] * weight
    return levels


def _resize(levels: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Return (rows, columns) as (height, width), each axis averaged or interpolated as it needs."""
    rows, columns = levels.shape
    tall = cv2.resize(levels, (columns, height), interpolation=_interpolation(rows, height))
    wide = cv2.resize(tall, (width, height), interpolation=_interpolation(columns, width))
    return wide.astype(np.float32, copy=False)


def _interpolation(before: int, after: int) -> int:
    """Return how OpenCV best takes an axis from one length to another."""
    return cv2.INTER_AREA if after < before else cv2.INTER_LINEAR


def _paint(levels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return brightness (rows, columns), lowest row first, as an RGB image with it at the bottom."""
    # Cut, not rounded: the MFCC of silence lie in the middle, where rounding would flicker.
    image: NDArray[np.uint8] = _COLOURS[levels[::-1].astype(np.uint8)]
    return image
