from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tests.unit.fusion.scenes import (
    ALL,
    AUDIO,
    COUNT,
    CROPS,
    FACE_ONLY,
    IMAGES,
    ROWS,
    SIZE,
    VOICE_ONLY,
    VOICED,
    heard,
    make_config,
    numbers,
    seen,
)
from worker.fusion import FUSIONS, Heard, Seen
from worker.fusion.pictures import gather

CONFIG = make_config()
BLACK = [0] * COUNT


def test_images_stand_before_faces_in_time_order() -> None:
    """The pictures of a window are its audio images and then its faces, each in order."""
    pictures = gather(seen(), heard(), CONFIG)

    assert numbers(pictures.joined) == [[100, 101, 102, 103, 0, 1, 2, 3], [110, 111, 112, 113, 4, 5, 6, 7]]
    assert numbers(pictures.images) == AUDIO.tolist()
    assert numbers(pictures.faces) == ROWS.tolist()
    assert pictures.present.all()
    assert pictures.face_coverage.dtype == np.float32
    np.testing.assert_array_equal(pictures.face_coverage, [1.0, 1.0])


def test_a_missing_face_takes_the_nearest_of_its_window() -> None:
    """A frame without a face takes the nearest one with a face, the earlier of two, of its own window."""
    found = np.array([False, True, False, True, False, False, False, True])

    pictures = gather(seen(found=found), heard(), CONFIG)

    assert numbers(pictures.faces) == [[1, 1, 1, 3], [7, 7, 7, 7]]
    assert pictures.present.all()
    np.testing.assert_array_equal(pictures.face_coverage, [0.5, 0.25])


def test_a_window_without_a_face_has_black_faces() -> None:
    """Nothing takes the place of a face that is not there, and `present` says so."""
    pictures = gather(seen(found=np.arange(8) < COUNT), heard(), CONFIG)

    assert numbers(pictures.faces) == [[*range(4)], BLACK]
    assert numbers(pictures.images) == AUDIO.tolist()
    np.testing.assert_array_equal(pictures.present, [[True, True], [True, False]])
    np.testing.assert_array_equal(pictures.face_coverage, [1.0, 0.0])


@pytest.mark.parametrize(
    ("what", "black"),
    [(FACE_ONLY, [True, True]), (heard(voiced=np.array([False, True])), [True, False])],
    ids=["no sound at all", "one window is silent"],
)
def test_a_window_without_sound_has_black_images(what: Heard, black: list[bool]) -> None:
    """Nothing takes the place of a voice that is not there, whatever its images hold."""
    pictures = gather(seen(), what, CONFIG)

    assert [row == BLACK for row in numbers(pictures.images)] == black
    assert numbers(pictures.faces) == ROWS.tolist()
    np.testing.assert_array_equal(pictures.present, [[not black[0], True], [not black[1], True]])


def test_a_window_with_neither_is_black() -> None:
    """A window without face and voice has no modality; the others are not touched by it."""
    pictures = gather(seen(found=np.arange(8) >= COUNT), heard(voiced=np.array([False, True])), CONFIG)

    assert numbers(pictures.joined) == [BLACK * 2, [*AUDIO[1], *ROWS[1]]]
    np.testing.assert_array_equal(pictures.present, [[False, False], [True, True]])


def test_frames_that_the_picture_does_not_have_count_as_missing() -> None:
    """Rows below 0 are frames without a face: filled from the window, and not covered."""
    rows = np.array([[0, 1, -1, -1], [-1] * COUNT])

    pictures = gather(seen(crops=CROPS[:2], found=ALL[:2], rows=rows), heard(), CONFIG)

    assert numbers(pictures.faces) == [[0, 1, 1, 1], BLACK]
    np.testing.assert_array_equal(pictures.face_coverage, [0.5, 0.0])


def test_a_clip_without_picture_has_no_crops() -> None:
    """Without any crop the windows come from the sound."""
    pictures = gather(VOICE_ONLY, heard(), CONFIG)

    assert numbers(pictures.faces) == [BLACK, BLACK]
    np.testing.assert_array_equal(pictures.present, [[True, False]] * 2)


def test_windows_may_share_frames() -> None:
    """Overlapping windows take the same crops."""
    rows = np.array([[0, 0, 1, 2], [1, 2, 3, 3]])

    assert numbers(gather(seen(rows=rows), FACE_ONLY, CONFIG).faces) == rows.tolist()


def test_no_window_gives_no_picture() -> None:
    """Without windows everything is empty, and has its shape."""
    pictures = gather(seen(rows=ROWS[:0]), Heard(IMAGES[:0], VOICED[:0]), CONFIG)

    assert pictures.joined.shape == (0, 2 * COUNT, SIZE, SIZE, 3)
    assert pictures.present.shape == (0, 2)
    assert pictures.face_coverage.shape == (0,)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion_is_pure(fusion: str) -> None:
    """The arguments are left as they were, and no input shares memory with them."""
    config = make_config(fusion)
    crops, images, rows = CROPS.copy(), IMAGES.copy(), ROWS.copy()
    found = np.arange(8) < COUNT
    log_mel, series = np.ones((2, 64, config.mel_steps), np.float32), np.ones((2, 5, 3), np.float32)
    segment = Seen(crops, found, rows, series)

    fused = FUSIONS[fusion](segment, Heard(images, VOICED, log_mel), config)
    for array in fused.inputs.values():
        array[:] = 77

    np.testing.assert_array_equal(crops, CROPS)
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(rows, ROWS)
    np.testing.assert_array_equal(found, np.arange(8) < COUNT)
    assert log_mel.max() == series.max() == 1


@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion_says_what_its_windows_have(fusion: str) -> None:
    """`modalities`, the input `present` and the face coverage agree, whatever the fusion."""
    config = make_config(fusion)
    segment = seen(found=np.arange(8) < 2, series=np.zeros((2, 5, 3), np.float32))
    sound = heard(voiced=np.array([False, True]), log_mel=np.zeros((2, 64, config.mel_steps), np.float32))

    fused = FUSIONS[fusion](segment, sound, config)

    assert fused.modalities == [("video",), ("audio",)]
    np.testing.assert_array_equal(fused.inputs["present"], [[0, 1], [1, 0]])
    assert fused.inputs["present"].dtype == np.uint8
    np.testing.assert_array_equal(fused.face_coverage, [0.5, 0.0])


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_window_with_neither_has_no_modalities(fusion: str) -> None:
    """Without face and voice there is nothing to score, whatever the fusion."""
    fused = FUSIONS[fusion](VOICE_ONLY, FACE_ONLY, make_config(fusion))

    assert fused.modalities == [(), ()]
    assert not fused.inputs["present"].any()
    assert not fused.shown.any()


@pytest.mark.parametrize(
    ("segment", "sound", "sentence"),
    [
        (seen(rows=ROWS[:, :3]), heard(), "3 frames a window; the model takes 4"),
        (seen(found=ALL[:3]), heard(), "one value a crop"),
        (seen(), heard(voiced=VOICED[:1]), "one a window"),
        (seen(crops=CROPS[:5], found=ALL[:5]), heard(), "names crop 7 of 5"),
        (seen(crops=CROPS[:, :16, :16]), heard(), r"Crops of shape \(16, 16, 3\)"),
        (seen(), heard(images=IMAGES[:, :2]), r"Audio images of shape \(2, 2, 32, 32, 3\)"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(segment: Seen, sound: Heard, sentence: str) -> None:
    """Arrays of unequal lengths, or of sizes that the model does not take, are a ValueError that says so."""
    with pytest.raises(ValueError, match=sentence):
        gather(segment, sound, CONFIG)


def test_what_runs_the_model_needs_no_media_library() -> None:
    """The layouts can be asked where neither OpenCV nor librosa is installed."""
    code = "import sys, worker.fusion.layouts; sys.exit(bool({'cv2', 'librosa', 'av'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_jobs_find_their_fusion_by_name() -> None:
    """The registry knows all three, and cannot be changed from outside."""
    assert list(FUSIONS) == ["early", "late", "hybrid"]
    with pytest.raises(TypeError):
        FUSIONS["other"] = FUSIONS["early"]  # type: ignore[index]  # The error is the point.
