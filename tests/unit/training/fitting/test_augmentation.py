from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.fft import dct

from shared.catalog.series import UNIT_OF
from training.fitting.measures import augment_series, mirror_series
from training.fitting.pictures import augment_pictures
from training.fitting.sounds import augment_sound, only_noise
from worker.audio.features import FLOOR_DB, SoundFeatures

COLUMNS = tuple(UNIT_OF)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def pictures(frames: int = 4) -> NDArray[np.uint8]:
    """Return one picture, several times."""
    picture = generator().integers(0, 256, (48, 48, 3), np.uint8)
    return np.repeat(picture[None], frames, axis=0)


def sound(seed: int = 0) -> SoundFeatures:
    levels = generator(seed).uniform(-80, -20, (64, 300)).astype(np.float32)
    return SoundFeatures(levels, dct(levels, axis=0, norm="ortho")[:13], 0.01)


def test_without_strength_nothing_changes() -> None:
    """At 0, pictures and sounds are what they were, to the last bit."""
    assert augment_pictures(pictures(), generator(), strength=0) is not None
    np.testing.assert_array_equal(augment_pictures(pictures(), generator(), strength=0), pictures())
    assert augment_sound(sound(), generator(), strength=0).log_mel is not None
    np.testing.assert_array_equal(augment_sound(sound(), generator(), strength=0).log_mel, sound().log_mel)


@pytest.mark.parametrize("seed", range(20))
def test_the_same_chance_changes_alike(seed: int) -> None:
    """A seed stands for one change, so that a training can be repeated."""
    first, second = (augment_pictures(pictures(), generator(seed), strength=1, motion=1) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    one, other = (augment_sound(sound(), generator(seed), strength=1) for _ in range(2))
    np.testing.assert_array_equal(one.log_mel, other.log_mel)


@pytest.mark.parametrize("seed", range(5))
def test_noise_says_nothing_of_the_voice_it_stands_for(seed: int) -> None:
    """Noise has the form of the sound, and none of its content; its MFCC are those of its levels."""
    first, second = (only_noise(sound(voice), generator(seed)) for voice in (1, 2))

    np.testing.assert_array_equal(first.log_mel, second.log_mel)
    assert first.log_mel.shape == sound().log_mel.shape
    assert (first.log_mel.min() >= FLOOR_DB, first.log_mel.max() <= 0) == (True, True)
    steady = first.log_mel.std(axis=1) < 3
    assert steady.all()
    np.testing.assert_allclose(first.mfcc, dct(first.log_mel, axis=0, norm="ortho")[:13], atol=1e-3)


def test_pictures_keep_their_form_and_the_original() -> None:
    """What comes out has the same shape and type, and what went in is untouched."""
    before = pictures()
    for seed in range(50):
        changed = augment_pictures(before, generator(seed), strength=2)
        assert (changed.shape, changed.dtype) == (before.shape, np.uint8)
    np.testing.assert_array_equal(before, pictures())


def test_a_poor_camera_spoils_light_and_detail_alone() -> None:
    """Each frame suffers alike, nothing is moved, and pictures may end up darker, brighter, or tinted."""
    gradient = np.broadcast_to(np.linspace(60, 120, 48, dtype=np.uint8)[None, None, :, None], (2, 48, 48, 3))
    levels = []
    for seed in range(40):
        changed = augment_pictures(gradient.copy(), generator(seed), strength=0, camera=2)
        assert (changed.shape, changed.dtype) == (gradient.shape, np.uint8)
        np.testing.assert_array_equal(changed[0], changed[1])
        columns = changed.mean(axis=(0, 1, 3))
        assert columns[:12].mean() < columns[-12:].mean()
        levels.append(changed.mean())

    assert min(levels) < gradient.min() < gradient.max() < max(levels)
    assert sum(np.isclose(level, gradient.mean(), atol=2) for level in levels) < 30


def test_a_clip_that_stands_still_moves_with_motion_only() -> None:
    """Frames of a still differ from each other where motion is asked for, and are framed alike where not."""
    moving = augment_pictures(pictures(), generator(3), strength=0, motion=1)
    assert np.abs(moving[0].astype(int) - moving[-1]).mean() > 1
    for seed in range(10):
        still = augment_pictures(pictures(), np.random.default_rng(seed), strength=0.5)
        # Noise apart, which each frame has of its own.
        assert np.abs(still[0].astype(int) - still[-1]).mean() < 15


def test_a_clip_that_moves_is_not_moved_further() -> None:
    """Motion is for stills."""
    clip = generator().integers(0, 256, (4, 48, 48, 3), np.uint8)

    np.testing.assert_array_equal(augment_pictures(clip, generator(), strength=0, motion=1)[0], clip[0])


def test_a_mirror_before_a_mirror_shows_what_is() -> None:
    """Mirrored twice, measures are what they were."""
    series = generator().normal(0, 1, (5, len(COLUMNS))).astype(np.float32)

    np.testing.assert_array_equal(mirror_series(mirror_series(series, COLUMNS), COLUMNS), series)


def test_in_a_mirror_left_is_right() -> None:
    """Yaw turns round, a smile stays, and the left corner of the mouth stands where the right one was."""
    series = np.arange(len(COLUMNS), dtype=np.float32)[None]
    mirrored = dict(zip(COLUMNS, mirror_series(series, COLUMNS)[0], strict=True))
    given = dict(zip(COLUMNS, series[0], strict=True))

    assert mirrored["pose_Ry"] == -given["pose_Ry"]
    assert mirrored["AU12_r"] == given["AU12_r"]
    assert mirrored["shape_x_48"] == -given["shape_x_54"]
    assert mirrored["shape_y_48"] == given["shape_y_54"]
    assert mirrored["gaze_0_y"] == given["gaze_1_y"]


def test_measures_may_be_hidden() -> None:
    """With a dropout of 1 nothing is known; else the shape is known whole or not at all."""
    series = np.zeros((3, len(COLUMNS)), np.float32)
    shape = np.array([column.startswith("shape_") for column in COLUMNS])

    assert np.isnan(augment_series(series, COLUMNS, generator(), dropout=1)).all()
    for seed in range(20):
        changed = augment_series(series, COLUMNS, generator(seed), dropout=0)
        assert np.isfinite(changed[:, shape]).all()
        assert 0 < np.isnan(changed[:, ~shape]).mean() < 0.5


def test_changed_sounds_are_sounds() -> None:
    """Levels stay between silence and full scale, and MFCC belong to them."""
    for seed in range(50):
        changed = augment_sound(sound(seed), generator(seed), strength=2)
        assert changed.log_mel.min() >= FLOOR_DB
        assert changed.log_mel.max() <= 0
        np.testing.assert_allclose(changed.mfcc, dct(changed.log_mel, axis=0, norm="ortho")[:13], atol=1e-3)


def test_sounds_come_louder_and_softer() -> None:
    """Over many draws the level moves by some decibels either way."""
    means = [augment_sound(sound(), generator(seed), strength=1).log_mel.mean() for seed in range(60)]

    assert min(means) < sound().log_mel.mean() - 4
    assert max(means) > sound().log_mel.mean() + 4


def test_a_sound_without_columns_stays_empty() -> None:
    """Nothing to hear is nothing to change."""
    nothing = SoundFeatures(np.zeros((64, 0), np.float32), np.zeros((13, 0), np.float32), 0.01)

    assert augment_sound(nothing, generator(), strength=1) is nothing
