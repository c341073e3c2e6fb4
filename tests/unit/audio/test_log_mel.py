from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from worker.audio.features import FLOOR_DB, MEL_BANDS, MFCC_COUNT, SoundFeatures, extract
from worker.audio.log_mel import window_log_mel

HOP_S = 0.01


def ramp(columns: int, start_s: float = 0.0) -> SoundFeatures:
    """Return features whose level rises by 1 dB a column from -80, and a little from band to band."""
    levels = (
        -80 + np.arange(columns, dtype=np.float32) + np.arange(MEL_BANDS, dtype=np.float32)[:, None] / 100
    )
    return SoundFeatures(levels, np.zeros((MFCC_COUNT, columns), np.float32), HOP_S, start_s)


def levels(features: SoundFeatures, start_s: float, end_s: float, steps: int) -> NDArray[np.float32]:
    """Return the lowest band of a window, after checking that each band follows it."""
    found = window_log_mel(features, start_s, end_s, steps)
    assert found.shape == (MEL_BANDS, steps)
    assert found.dtype == np.float32
    inside = found[0] > FLOOR_DB
    np.testing.assert_allclose(found[5][inside], found[0][inside] + 0.05, atol=1e-4)
    return found[0]


def test_each_column_is_the_level_in_the_middle_of_its_part() -> None:
    """At one part a hop, a column lies half-way between two of the features."""
    np.testing.assert_allclose(levels(ramp(80), 0.2, 0.6, 40), -80 + 20.5 + np.arange(40), atol=1e-3)


def test_time_counts_from_the_start_of_the_media() -> None:
    """Features that begin elsewhere give the same levels for the same moment."""
    np.testing.assert_allclose(levels(ramp(80, start_s=61.0), 61.2, 61.6, 40)[0], -59.5, atol=1e-3)


def test_a_short_window_is_stretched() -> None:
    """A window of an eighth of the length has as many columns, interpolated."""
    np.testing.assert_allclose(
        levels(ramp(80), 0.2, 0.25, 40), -60 + 5 * (np.arange(40) + 0.5) / 40, atol=1e-3
    )


def test_a_long_window_misses_no_moment() -> None:
    """With parts longer than a hop each column is a mean: a single loud hop is seen wherever it lies."""
    for loud in range(40, 80):
        features = ramp(120)
        features.log_mel[:] = -80.0
        features.log_mel[:, loud] = 0.0
        found = window_log_mel(features, 0.2, 1.0, 10)[0]
        assert found.max() >= -75, loud
        np.testing.assert_allclose(found.sum(), -800 + 80 / 8, atol=0.1)


@pytest.mark.parametrize(("start_s", "end_s"), [(-0.4, 0.4), (0.4, 1.2)])
def test_time_without_sound_lies_at_the_floor(start_s: float, end_s: float) -> None:
    """Before the first and after the last column there is silence, and the edge is not smeared."""
    found = levels(ramp(80), start_s, end_s, 80)

    silent = found == FLOOR_DB
    assert abs(int(silent.sum()) - 40) <= 1
    assert silent[0 if start_s < 0 else -1]
    assert found[~silent].min() >= -80


def test_no_sound_at_all_lies_at_the_floor() -> None:
    """Features without a column, or a window far from them, are silence."""
    assert np.all(window_log_mel(ramp(0), 0, 2, 200) == FLOOR_DB)
    assert np.all(window_log_mel(ramp(80), 10, 12, 200) == FLOOR_DB)


def test_a_click_lies_where_it_was_heard() -> None:
    """A click is loudest in the column of the part that it lies in."""
    sound = np.zeros(48_000, np.float32)
    sound[int(16_000 * 1.875)] = 1.0

    found = window_log_mel(extract(sound), 0.5, 2.5, 8)

    assert int(found.mean(axis=0).argmax()) == 5
