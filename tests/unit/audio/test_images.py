from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from worker.audio.features import FLOOR_DB, extract
from worker.audio.images import (
    SHEET_GAP_LEVEL,
    SHEET_GAP_PX,
    SHEET_PIXELS,
    SHEET_ROWS,
    SPAN_S,
    draw,
    encode_png,
    overview,
    sequence_sheet,
    span_s,
    window_images,
)
from worker.audio.scales import LOG_MEL, MFCC

from . import sounds

COUNT = 8
SIZE = 224
MEL_PX = 160
# cv2's viridis at 0, as RGB.
DARKEST = (68, 1, 84)


def brightness(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return a grey picture: viridis grows lighter with the value."""
    grey: NDArray[np.float64] = image.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    return grey


@pytest.mark.parametrize("at_s", [0.13, 0.6, 1.0, 1.37, 1.9])
def test_a_click_lights_its_column(at_s: float) -> None:
    """Each image that covers the time of a click has its brightest column there; the others have none."""
    images = window_images(extract(sounds.click(2.0, at_s)), 0.0, 2.0, COUNT, SIZE)

    for k, image in enumerate(images):
        columns = brightness(image[:MEL_PX]).mean(axis=0)
        column = ((at_s - (k + 0.5) * 0.25) / SPAN_S + 0.5) * SIZE
        if 8 < column < SIZE - 8:
            # A column of features is 2.2 pixels wide, and a click two or three columns.
            assert abs(np.average(np.arange(SIZE) + 0.5, weights=columns - columns.min()) - column) < 1
            assert np.ptp(columns) > 50
        elif not -8 < column < SIZE + 8:
            assert np.ptp(columns) == 0


def test_the_middle_of_an_image_is_the_moment_of_its_face_frame() -> None:
    """Of clicks in the middle of each of eight steps, image k shows the k-th in its middle."""
    sound = np.sum([sounds.click(2.0, (k + 0.5) * 0.25) for k in range(COUNT)], axis=0)

    images = window_images(extract(sound), 0.0, 2.0, COUNT, SIZE)

    for image in images:
        middle = brightness(image[:MEL_PX, SIZE // 2 - 20 : SIZE // 2 + 20]).mean(axis=0)
        assert abs(int(middle.argmax()) + 0.5 - 20) <= 3


def test_images_follow_the_time_of_the_media() -> None:
    """A segment that starts at 60 s, with margin, gives the images that the whole clip gives."""
    sound = sounds.chirp(64.0, 100.0, 7000.0)

    whole = window_images(extract(sound), 61.0, 63.0, COUNT, SIZE)
    cut = extract(sound[60 * sounds.RATE_HZ :], start_s=60.0)

    # One step of brightness: float32 rounding may fall on either side.
    difference = np.abs(window_images(cut, 61.0, 63.0, COUNT, SIZE).astype(int) - whole)
    assert difference.max() <= 3


def test_a_rising_chirp_rises_in_the_image() -> None:
    """The brightest row of a rising chirp moves up from the left to the right, and from image to image."""
    images = window_images(extract(sounds.chirp(2.0, 100.0, 7000.0)), 0.0, 2.0, COUNT, SIZE)

    rows = brightness(images[3, :MEL_PX]).argmax(axis=0)
    assert np.all(np.diff(rows) <= 0)
    assert rows[0] > rows[-1] + 30
    middles = brightness(images[:, :MEL_PX, SIZE // 2]).argmax(axis=1)
    assert np.all(np.diff(middles) < 0)


def test_loudness_survives() -> None:
    """The same tone, softer, is darker: nothing is normalised to the clip."""
    levels = [
        brightness(window_images(features, 0.0, 2.0, COUNT, SIZE)[4, :MEL_PX]).max()
        for features in (extract(sounds.tone(2.0, amplitude=a)) for a in (0.5, 0.05, 0.005))
    ]

    assert levels[0] > levels[1] + 20 > levels[2] + 40


@pytest.mark.parametrize("seconds", [0.0, 0.3, 2.0])
def test_silence_and_time_without_sound_look_alike(seconds: float) -> None:
    """Silence and time outside the sound are drawn the same, the log-mel part in the darkest colour."""
    images = window_images(extract(sounds.silence(seconds)), 0.0, 2.0, COUNT, SIZE)

    assert np.all(images[:, :MEL_PX] == DARKEST)
    assert np.all(images == images[:1, :, :1])


@pytest.mark.parametrize(("size", "mel_px"), [(224, 160), (160, 112), (112, 80), (96, 64), (32, 16), (8, 6)])
def test_images_of_any_size_keep_the_parts_in_whole_patches(size: int, mel_px: int) -> None:
    """Images are (count, size, size, 3), and the seam lies on an edge of the encoder's 16-pixel patches."""
    images = window_images(extract(sounds.silence(2.0)), 0.0, 2.0, COUNT, size)

    assert images.shape == (COUNT, size, size, 3)
    assert images.dtype == np.uint8
    dark = np.all(images[0, :, 0] == DARKEST, axis=-1)
    assert int(dark.argmin()) == mel_px


@pytest.mark.parametrize("at_s", [0.4, 3.333, 9.99, 19.7])
def test_long_windows_lose_no_moment(at_s: float) -> None:
    """In a window of 20 s, where columns lie closer than pixels, a click still lights an image."""
    assert span_s(2.0, COUNT) == 1.0
    assert span_s(20.0, COUNT) == 5.0

    images = window_images(extract(sounds.click(20.0, at_s)), 0.0, 20.0, COUNT, 112)

    assert max(np.ptp(brightness(image[:80]).mean(axis=0)) for image in images) > 20


@pytest.mark.parametrize("end_s", [0.02, 0.3])
def test_a_short_window_has_all_its_images(end_s: float) -> None:
    """A window far shorter than an image's span still has its images, with the sound in each."""
    images = window_images(extract(sounds.tone(end_s)), 0.0, end_s, COUNT, SIZE)

    assert images.shape == (COUNT, SIZE, SIZE, 3)
    assert all(np.ptp(brightness(image[:MEL_PX])) > 100 for image in images)


def test_images_are_deterministic() -> None:
    """The same features give the same images and the same PNG bytes."""
    features = extract(sounds.noise(2.0, 0.1))

    first, second = (window_images(features, 0.0, 2.0, COUNT, SIZE) for _ in range(2))

    np.testing.assert_array_equal(first, second)
    assert encode_png(first[0]) == encode_png(second[0])


def test_draw_puts_the_lowest_row_at_the_bottom() -> None:
    """A matrix whose first row alone is loud is bright at the bottom of the image."""
    matrix = np.full((64, 10), FLOOR_DB, np.float32)
    matrix[0] = 0.0

    image = draw(matrix, 30, 128)

    assert image.shape == (128, 30, 3)
    assert brightness(image[-1]).min() > 200
    assert np.all(image[:-6] == DARKEST)


def test_draw_keeps_each_coefficient_in_its_own_range() -> None:
    """MFCC of silence are dark in coefficient 0 and of the middle colour in the others."""
    image = draw(extract(sounds.silence(0.5)).mfcc, 20, 13, MFCC)

    assert np.all(image[-1] == DARKEST)
    assert np.all(image[:-1] == draw((MFCC.low + MFCC.high) / 2, 20, 13, MFCC)[:-1])


@pytest.mark.parametrize(
    ("columns", "width"), [(0, 320), (1, 320), (200, 800), (6001, 1200), (360_001, 1200)]
)
def test_overviews_are_bounded(columns: int, width: int) -> None:
    """An overview is 320 pixels high and 320 to 1200 wide, for no sound as for an hour."""
    assert overview(np.zeros((64, columns), np.float32), LOG_MEL).shape == (320, width, 3)
    assert overview(np.zeros((13, columns), np.float32), MFCC).shape == (320, width, 3)


def test_png_keeps_every_pixel() -> None:
    """A decoded PNG is the RGB image that was encoded."""
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)

    decoded = cv2.imdecode(np.frombuffer(encode_png(image), np.uint8), cv2.IMREAD_COLOR)

    assert decoded is not None
    np.testing.assert_array_equal(decoded[..., ::-1], image)


def test_a_sheet_has_a_row_a_window_and_a_column_a_frame() -> None:
    """Frame f of window w stands in row w and column f of the sheet, scaled down, with a line between."""
    frames = np.zeros((3, 16, 224, 224, 3), np.uint8)
    frames[:, :, :, :, 0] = np.arange(3)[:, None, None, None] * 50
    frames[:, :, :, :, 1] = np.arange(16)[:, None, None] * 10

    sheet = sequence_sheet(frames)

    step = 96 + SHEET_GAP_PX
    assert sheet.shape == (3 * step - SHEET_GAP_PX, 16 * step - SHEET_GAP_PX, 3)
    for window, frame in np.ndindex(3, 16):
        tile = sheet[window * step :, frame * step :]
        np.testing.assert_array_equal(
            tile[:96, :96], np.broadcast_to(frames[window, frame, 0, 0], (96, 96, 3))
        )
        assert np.all(tile[96:step] == SHEET_GAP_LEVEL)
        assert np.all(tile[:, 96:step] == SHEET_GAP_LEVEL)


def test_a_sheet_of_many_windows_is_bounded() -> None:
    """A sheet of 200 windows shows 60 of them, the first and the last included, within its pixels."""
    frames = np.zeros((200, 16, 112, 112, 3), np.uint8)
    frames[..., 0] = np.arange(200)[:, None, None, None]

    sheet = sequence_sheet(frames)

    step = (sheet.shape[1] + SHEET_GAP_PX) // 16
    shown = sheet[step // 2 :: step, 0, 0]
    assert len(shown) == SHEET_ROWS
    assert (shown[0], shown[-1]) == (0, 199)
    assert np.all(np.diff(shown.astype(int)) >= 3)
    assert sheet.shape[0] * sheet.shape[1] <= SHEET_PIXELS


def test_a_sheet_of_no_window_is_one_dark_row() -> None:
    """A sheet of no window is an image all the same, and never larger than its frames."""
    sheet = sequence_sheet(np.zeros((0, 16, 32, 32, 3), np.uint8))

    assert sheet.shape == (32, 16 * 32 + 15 * SHEET_GAP_PX, 3)
    assert not np.any(sheet[:, :32])
