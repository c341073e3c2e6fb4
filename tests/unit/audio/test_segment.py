from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.settings import Settings
from tests import media_factory as media
from worker.audio.features import SoundFeatures, extract
from worker.audio.segment import SegmentSound, listen
from worker.audio.voice import voice_activity
from worker.media.material import probe_within
from worker.media.sandbox import no_checkpoint
from worker.media.sound import read_sound
from worker.windows import SegmentPlan, Window

SETTINGS = Settings()
LIMITS = {"memory_mb": SETTINGS.decode_memory_mb, "time_limit_s": SETTINGS.stage_time_limit_s}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of a voice."""
    return media.audio(tmp_path_factory.mktemp("media") / "voice.wav", wave=media.voice(6))


def heard(path: Path, start_s: float, end_s: float) -> SegmentSound:
    segment = SegmentPlan(0, start_s, end_s, (Window(0, start_s, end_s),))
    return listen(path, probe_within(path, "wav", SETTINGS), segment, SETTINGS, no_checkpoint)


def reference(path: Path, start_s: float, end_s: float) -> SoundFeatures:
    media_info = probe_within(path, "wav", SETTINGS)
    return extract(read_sound(path, media_info, start_s=start_s, end_s=end_s, **LIMITS), start_s)


@pytest.mark.parametrize(("span_s", "margins_s"), [((0, 2), (0, 3)), ((2, 4), (1, 5)), ((4, 6), (3, 7))])
def test_a_segment_is_heard_with_a_second_on_either_side(
    path: Path, span_s: tuple[float, float], margins_s: tuple[float, float]
) -> None:
    """The margin ends where the media do; times count from the start of the media."""
    found, wanted = heard(path, *span_s).features, reference(path, *margins_s)

    assert found.start_s == wanted.start_s == margins_s[0]
    np.testing.assert_array_equal(found.log_mel, wanted.log_mel)
    np.testing.assert_array_equal(found.mfcc, wanted.mfcc)


def test_the_share_of_voice_is_that_of_the_results(path: Path) -> None:
    """What decides whether a window is heard has as many digits as what is written down."""
    found = heard(path, 1, 3)

    sound = read_sound(path, probe_within(path, "wav", SETTINGS), start_s=0, end_s=4, **LIMITS)
    [exact] = voice_activity(sound, [Window(0, 1, 3)])
    assert exact != np.float32(round(float(exact), 4))
    assert found.activity.tolist() == [np.float32(round(float(exact), 4))]
    assert found.activity.dtype == np.float32
    assert not found.silent


def test_silence_is_said(tmp_path: Path) -> None:
    """A segment in which nothing is heard is silent, and has no voice."""
    path = media.audio(tmp_path / "silence.wav", wave=np.zeros((96_000, 1), np.float32))

    found = heard(path, 0, 2)

    assert found.silent
    assert found.activity.tolist() == [0]
