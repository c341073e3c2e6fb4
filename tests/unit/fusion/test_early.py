from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from worker.fusion import FUSIONS
from worker.fusion.early import fuse

SIZE = 4
COUNT = 8
ALL = np.ones(16, dtype=bool)
ROWS = np.arange(16).reshape(2, COUNT)
# Crop k is all k; image k of window w is all 100 + 10 w + k: a frame tells where it came from.
AUDIO = 100 + 10 * np.arange(2)[:, None] + np.arange(COUNT)


def plain(values: NDArray[np.integer]) -> NDArray[np.uint8]:
    return np.broadcast_to(values[..., None, None, None], (*values.shape, SIZE, SIZE, 3)).astype(np.uint8)


CROPS = plain(np.arange(16))
IMAGES = plain(AUDIO)
VOICED = np.ones(2, dtype=bool)


def sources(frames: NDArray[np.uint8]) -> list[list[int]]:
    """Return the number that each frame is filled with, after checking that it is filled."""
    assert frames.shape == (len(frames), 2 * COUNT, SIZE, SIZE, 3)
    assert frames.dtype == np.uint8
    assert np.all(frames == frames[:, :, :1, :1, :1])
    numbers: list[list[int]] = frames[:, :, 0, 0, 0].tolist()
    return numbers


def test_audio_comes_first() -> None:
    """With both modalities a window is its eight audio images and then its eight faces, in order."""
    fused = fuse(CROPS, ALL, ROWS, IMAGES, VOICED)

    assert list(fused.inputs) == ["frames"]
    assert sources(fused.inputs["frames"]) == [
        [100, 101, 102, 103, 104, 105, 106, 107, 0, 1, 2, 3, 4, 5, 6, 7],
        [110, 111, 112, 113, 114, 115, 116, 117, 8, 9, 10, 11, 12, 13, 14, 15],
    ]
    assert fused.modalities == [("audio", "video")] * 2
    assert fused.face_coverage.dtype == np.float32
    np.testing.assert_array_equal(fused.face_coverage, [1.0, 1.0])


def test_a_missing_face_takes_the_nearest_of_its_window() -> None:
    """A frame without a face takes the nearest one with a face, the earlier of two, of its own window."""
    found = ALL.copy()
    found[[0, 3, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15]] = False

    fused = fuse(CROPS, found, ROWS, IMAGES, VOICED)

    faces = [window[COUNT:] for window in sources(fused.inputs["frames"])]
    assert faces == [[1, 1, 2, 2, 4, 4, 4, 4], [12] * 8]
    np.testing.assert_array_equal(fused.face_coverage, [3 / 8, 1 / 8])
    assert fused.modalities == [("audio", "video")] * 2


def test_a_window_without_a_face_is_filled_from_its_sound() -> None:
    """Only the window without a face holds its audio images twice, each time in order."""
    found = np.arange(16) < COUNT

    fused = fuse(CROPS, found, ROWS, IMAGES, VOICED)

    first, second = sources(fused.inputs["frames"])
    assert first == [*AUDIO[0], *range(8)]
    assert second == [*AUDIO[1], *AUDIO[1]]
    assert fused.modalities == [("audio", "video"), ("audio",)]
    np.testing.assert_array_equal(fused.face_coverage, [1.0, 0.0])


@pytest.mark.parametrize("images", [IMAGES, None])
def test_a_window_without_sound_is_filled_from_its_faces(images: NDArray[np.uint8] | None) -> None:
    """Windows that are not voiced, or have no images, hold their faces twice, each time in order."""
    voiced = VOICED if images is None else np.zeros(2, dtype=bool)

    fused = fuse(CROPS, ALL, ROWS, images, voiced)

    assert sources(fused.inputs["frames"]) == [[*range(8)] * 2, [*range(8, 16)] * 2]
    assert fused.modalities == [("video",)] * 2


def test_a_window_with_neither_is_unusable() -> None:
    """A window without face and without voice has no modalities; the others are not touched by it."""
    fused = fuse(CROPS, np.arange(16) >= COUNT, ROWS, IMAGES, np.array([False, True]))

    assert fused.modalities == [(), ("audio", "video")]
    assert sources(fused.inputs["frames"]) == [[0] * 16, [*AUDIO[1], *range(8, 16)]]


def test_frames_that_the_picture_does_not_have_count_as_missing() -> None:
    """Rows below 0 are frames without a face: filled from the window, and not covered."""
    rows = np.array([[0, 1, 2, 3, -1, -1, -1, -1], [-1] * 8])

    fused = fuse(CROPS[:4], ALL[:4], rows, IMAGES, VOICED)

    assert sources(fused.inputs["frames"]) == [[*AUDIO[0], 0, 1, 2, 3, 3, 3, 3, 3], [*AUDIO[1], *AUDIO[1]]]
    np.testing.assert_array_equal(fused.face_coverage, [0.5, 0.0])


@pytest.mark.parametrize("images", [IMAGES, None])
def test_a_clip_without_picture_has_no_crops(images: NDArray[np.uint8] | None) -> None:
    """Without any crop the windows come from the sound, or are unusable."""
    rows = np.full((2, COUNT), -1)

    fused = fuse(CROPS[:0], ALL[:0], rows, images, VOICED)

    assert fused.modalities == ([()] * 2 if images is None else [("audio",)] * 2)
    assert fused.inputs["frames"].shape == (2, 16, SIZE, SIZE, 3)


def test_windows_may_share_frames() -> None:
    """Overlapping windows take the same crops."""
    rows = np.array([[0, 0, 1, 1, 2, 2, 3, 3], [2, 2, 3, 3, 4, 4, 5, 5]])

    fused = fuse(CROPS, ALL, rows, None, VOICED)

    assert sources(fused.inputs["frames"]) == [[*row, *row] for row in rows.tolist()]


def test_no_window_gives_no_sequence() -> None:
    """Without windows every output is empty, and has its shape."""
    fused = fuse(CROPS, ALL, ROWS[:0], IMAGES[:0], VOICED[:0])

    assert fused.inputs["frames"].shape == (0, 16, SIZE, SIZE, 3)
    assert fused.modalities == []
    assert fused.face_coverage.shape == (0,)


def test_fuse_is_pure() -> None:
    """The arguments are left as they were, and the result shares no memory with them."""
    crops, images, rows, found = CROPS.copy(), IMAGES.copy(), ROWS.copy(), np.arange(16) < COUNT

    fused = fuse(crops, found, rows, images, VOICED)
    fused.inputs["frames"][:] = 255

    np.testing.assert_array_equal(crops, CROPS)
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(rows, ROWS)
    np.testing.assert_array_equal(found, np.arange(16) < COUNT)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((CROPS, ALL, ROWS[:, :7], IMAGES[:, :7], VOICED), "whole tubelets"),
        ((CROPS, ALL[:3], ROWS, IMAGES, VOICED), "one value a crop"),
        ((CROPS, ALL, ROWS, IMAGES, VOICED[:1]), "one a window"),
        ((CROPS[:9], ALL[:9], ROWS, IMAGES, VOICED), "names crop 15 of 9"),
        ((CROPS, ALL, ROWS, IMAGES[:, :4], VOICED), "for 2 windows of 8 frames"),
        ((CROPS[:, :2, :2], ALL, ROWS, IMAGES, VOICED), "differ in size"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(
    arguments: tuple[
        NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int64], NDArray[np.uint8], NDArray[np.bool_]
    ],
    sentence: str,
) -> None:
    """An odd number of frames, or arrays of unequal lengths or sizes, are a ValueError that says so."""
    with pytest.raises(ValueError, match=sentence):
        fuse(*arguments)


def test_jobs_find_their_fusion_by_name() -> None:
    """The registry knows early fusion, and cannot be changed from outside."""
    assert FUSIONS["early"] is fuse
    with pytest.raises(TypeError):
        FUSIONS["other"] = fuse  # type: ignore[index]  # The error is the point.
