from __future__ import annotations

import numpy as np
import pytest

from tests.unit.fusion.scenes import (
    COLUMNS,
    FACE_ONLY,
    STEPS,
    VOICE_ONLY,
    heard,
    make_config,
    seen,
)
from worker.audio.features import FLOOR_DB, MEL_BANDS
from worker.fusion import FUSIONS

fuse = FUSIONS["hybrid"]
CONFIG = make_config("hybrid")
random = np.random.default_rng(0)
LOG_MEL = random.uniform(-80, 0, (2, MEL_BANDS, CONFIG.mel_steps)).astype(np.float32)
SERIES = random.normal(size=(2, STEPS, len(COLUMNS))).astype(np.float32)
SEEN, HEARD = seen(series=SERIES), heard(log_mel=LOG_MEL)


@pytest.mark.parametrize(
    "layout", ["audio-first", "video-first", "stacked", "alternating", "summed", "random"]
)
def test_the_sequence_is_that_of_early_fusion(layout: str) -> None:
    """Beside the sequence of the same layout stand the spectrogram and the series, as they are."""
    fused = fuse(SEEN, HEARD, make_config("hybrid", layout))

    assert list(fused.inputs) == ["present", "frames", "log_mel", "series"]
    early = FUSIONS["early"](SEEN, HEARD, make_config("early", layout))
    np.testing.assert_array_equal(fused.inputs["frames"], early.inputs["frames"])
    np.testing.assert_array_equal(fused.shown, early.shown)
    np.testing.assert_array_equal(fused.inputs["log_mel"], LOG_MEL)
    np.testing.assert_array_equal(fused.inputs["series"], SERIES)


def test_a_window_without_sound_is_at_the_floor() -> None:
    """Where a window's sound is not to be used, nothing of it is left in the spectrogram."""
    fused = fuse(SEEN, heard(voiced=np.array([False, True]), log_mel=LOG_MEL), CONFIG)

    assert np.all(fused.inputs["log_mel"][0] == FLOOR_DB)
    np.testing.assert_array_equal(fused.inputs["log_mel"][1], LOG_MEL[1])


def test_a_window_without_a_face_has_no_measures() -> None:
    """Where no face was found in a window's frames, nothing of its series is left."""
    fused = fuse(seen(found=np.arange(8) >= 4, series=SERIES), HEARD, CONFIG)

    assert np.all(np.isnan(fused.inputs["series"][0]))
    np.testing.assert_array_equal(fused.inputs["series"][1], SERIES[1])


def test_media_without_sound_or_picture_fill_every_input() -> None:
    """A mute clip has a spectrogram at the floor, and a voice alone a series of NaN, in full shape."""
    mute = fuse(SEEN, FACE_ONLY, CONFIG).inputs["log_mel"]
    voice = fuse(VOICE_ONLY, HEARD, CONFIG).inputs["series"]

    assert (mute.shape, mute.dtype) == (LOG_MEL.shape, np.float32)
    assert np.all(mute == FLOOR_DB)
    assert (voice.shape, voice.dtype) == (SERIES.shape, np.float32)
    assert np.all(np.isnan(voice))


def test_values_that_should_be_there_are_missed() -> None:
    """A face without its series, or a voice without its spectrogram, is no window to score."""
    with pytest.raises(ValueError, match="No values; the model takes"):
        fuse(seen(), HEARD, CONFIG)
    with pytest.raises(ValueError, match="No values; the model takes"):
        fuse(SEEN, heard(), CONFIG)


def test_values_of_another_shape_are_refused() -> None:
    """A spectrogram or series that the model does not take is a ValueError that says so."""
    with pytest.raises(ValueError, match=r"\(2, 64, 8\); the model takes \(2, 64, 200\)"):
        fuse(SEEN, heard(log_mel=LOG_MEL[:, :, :8]), CONFIG)
    with pytest.raises(ValueError, match=r"\(2, 5, 2\); the model takes \(2, 5, 3\)"):
        fuse(seen(series=SERIES[:, :, :2]), HEARD, CONFIG)
