from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf  # type: ignore[import-untyped]

from worker.audio.voice import is_silent, voice_activity
from worker.windows import Window, plan_windows

from . import sounds

SPEECH = Path(__file__).parents[4] / "shared" / "data" / "speech"


def test_half_a_window_of_sound_is_half_voiced() -> None:
    """A window whose second half sounds is half voiced; the windows around it are not or wholly."""
    sound = np.concatenate([sounds.silence(3.0), sounds.tone(3.0)])

    activity = voice_activity(sound, plan_windows(6.0, 2.0, 2.0))

    assert activity.dtype == np.float32
    np.testing.assert_allclose(activity, [0.0, 0.5, 1.0], atol=0.02)


def test_words_stand_out_from_noise() -> None:
    """With noise 20 dB below the words, only the words count."""
    words = np.tile(np.concatenate([sounds.tone(0.5), sounds.silence(0.5)]), 4)

    activity = voice_activity(words + sounds.noise(4.0, 0.035), plan_windows(4.0, 2.0, 2.0))

    np.testing.assert_allclose(activity, [0.5, 0.5], atol=0.05)


def test_sound_without_a_pause_is_all_voice() -> None:
    """Steady sound has nothing that could be told as noise: it counts as voice."""
    assert voice_activity(sounds.tone(2.0), [Window(0, 0.0, 2.0)]) == [1.0]


def test_a_click_does_not_hide_soft_speech() -> None:
    """One click at full scale leaves speech 40 dB softer voiced."""
    sound = np.tile(np.concatenate([sounds.tone(0.7, amplitude=0.01), sounds.silence(0.3)]), 20)
    sound[5 * sounds.RATE_HZ : 5 * sounds.RATE_HZ + 200] = sounds.noise(1.0, 0.5)[:200]

    activity = voice_activity(sound, plan_windows(20.0, 2.0, 2.0))

    np.testing.assert_allclose(activity, np.full(10, 0.7), atol=0.05)


@pytest.mark.parametrize(
    ("name", "sound"),
    [
        ("zeros", sounds.silence(2.0)),
        ("nothing", sounds.silence(0.0)),
        ("NaN", np.full(32_000, np.nan, np.float32)),
        ("hiss at -70 dB", sounds.noise(2.0, 10 ** (-70 / 20))),
        ("a constant offset", np.full(32_000, 0.3, np.float32)),
    ],
)
def test_silence_holds_no_voice(name: str, sound: np.ndarray) -> None:
    """Silence of any kind is silent, and no window of it is voiced."""
    assert is_silent(sound), name
    np.testing.assert_array_equal(voice_activity(sound, plan_windows(2.0, 1.0, 1.0)), [0.0, 0.0])


@pytest.mark.parametrize("amplitude", [0.5, 0.01])
@pytest.mark.parametrize("seconds", [0.02, 2.0])
def test_sound_is_not_silent(amplitude: float, seconds: float) -> None:
    """A tone of -43 dB or more is not silent, even where it lasts less than a frame."""
    assert not is_silent(sounds.tone(seconds, amplitude=amplitude))


def test_infinities_do_not_break_the_measure() -> None:
    """Samples that are not finite leave shares that are numbers."""
    sound = sounds.tone(2.0).astype(np.float64)
    sound[:16_000:2] = np.inf
    sound[1:16_000:2] = -1e300

    activity = voice_activity(sound, plan_windows(2.0, 1.0, 1.0))

    assert np.isfinite(activity).all()
    assert activity[0] == 1.0


def test_time_without_sound_is_not_voiced() -> None:
    """A window that the sound covers for a quarter is voiced for a quarter; one beyond it is not."""
    activity = voice_activity(sounds.tone(0.5), [Window(0, 0.0, 2.0), Window(1, 2.0, 4.0)])

    np.testing.assert_allclose(activity, [0.25, 0.0], atol=0.02)


def test_windows_count_from_the_start_of_the_media() -> None:
    """A segment's sound that starts at 60 s serves the windows from 60 s on."""
    sound = np.concatenate([sounds.silence(2.0), sounds.tone(2.0)])
    windows = [Window(0, 58.0, 60.0), Window(1, 60.0, 62.0), Window(2, 62.0, 64.0)]

    activity = voice_activity(sound, windows, start_s=60.0)

    np.testing.assert_allclose(activity, [0.0, 0.0, 1.0], atol=0.02)


def test_other_rates_are_understood() -> None:
    """At 48 kHz the same seconds are voiced."""
    sound = np.repeat(np.concatenate([sounds.silence(1.0), sounds.tone(1.0)]), 3)

    activity = voice_activity(sound, plan_windows(2.0, 1.0, 1.0), 48_000)

    np.testing.assert_allclose(activity, [0.0, 1.0], atol=0.02)


def test_no_window_has_no_activity() -> None:
    """Without windows the answer is empty."""
    assert voice_activity(sounds.tone(1.0), []).shape == (0,)


@pytest.mark.parametrize("corpus", ["emodb", "ravdess"])
def test_real_speech_is_voiced(corpus: str) -> None:
    """Recorded utterances, loud or quiet, are neither silent nor without pauses."""
    files = sorted(SPEECH.glob(f"{corpus}_*.flac"))[::20]
    if not files:
        pytest.skip("the speech corpora are not on this machine")
    for file in files:
        sound, rate = sf.read(file, dtype="float32")
        (activity,) = voice_activity(sound, [Window(0, 0.0, len(sound) / rate)], rate)
        assert not is_silent(sound, rate), file.name
        assert 0.2 < activity < 0.98, file.name
