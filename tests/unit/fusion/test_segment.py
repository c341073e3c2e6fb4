from __future__ import annotations

import numpy as np
import pytest

from tests.unit.fusion.scenes import make_config
from worker.audio.features import SoundFeatures
from worker.audio.images import window_images
from worker.fusion.segment import LEAST_VOICE, heard_in, rows_of, seen_nothing
from worker.windows import Window

WINDOWS = (Window(0, 0, 2), Window(1, 2, 4))
LEVELS = np.linspace(-80, -10, 401, dtype=np.float32)
SOUND = SoundFeatures(np.tile(LEVELS, (64, 1)), np.zeros((13, 401), np.float32), 0.01)


def test_rows_point_at_crops_and_not_at_frames() -> None:
    """Of the frames that windows take, each is found among the crops that were kept."""
    assert rows_of([[3, 3, 8], [8, 20, 21]], [3, 8, 20, 21]).tolist() == [[0, 0, 1], [1, 2, 3]]


def test_without_a_picture_no_frame_is_there() -> None:
    """What is seen of no picture has the shape that a fusion expects."""
    seen = seen_nothing(2, make_config())

    assert seen.crops.shape == (0, 32, 32, 3)
    assert seen.rows.tolist() == [[-1] * 4] * 2


def test_each_window_has_its_own_sound() -> None:
    """Images show the time of their window, and a voice counts from its least share on."""
    heard = heard_in(WINDOWS, SOUND, np.array([LEAST_VOICE, LEAST_VOICE / 2], np.float32), make_config())

    assert heard.images is not None
    for window, images in zip(WINDOWS, heard.images, strict=True):
        np.testing.assert_array_equal(images, window_images(SOUND, window.start_s, window.end_s, 4, 32))
    assert heard.voiced.tolist() == [True, False]
    assert heard.log_mel is None


def test_only_hybrid_fusion_takes_the_spectrogram() -> None:
    """Its columns run along each window."""
    config = make_config("hybrid")

    heard = heard_in(WINDOWS, SOUND, np.ones(2, np.float32), config)

    assert heard.log_mel is not None
    assert heard.log_mel.shape == (2, 64, config.mel_steps)
    assert heard.log_mel[0].max() == pytest.approx(heard.log_mel[1].min(), abs=0.5)


def test_no_sound_has_no_voice() -> None:
    """Without features nothing is heard, whatever share of voice is stated."""
    heard = heard_in(WINDOWS, None, np.ones(2, np.float32), make_config("hybrid"))

    assert heard.images is None
    assert heard.log_mel is None
    assert heard.voiced.tolist() == [False, False]
