from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from tests import media_factory as media
from tests.unit.training.features.made import SETTINGS, analyzer, config, face_still, voice, write_image
from training.datasets.sample import Sample
from training.features.extraction import features_of
from training.features.fusing import fused
from training.features.sample_features import SampleFeatures
from worker.faces.table import FaceTable
from worker.media.sandbox import no_checkpoint


def features(sample: Sample, settings: Settings = SETTINGS) -> SampleFeatures:
    return features_of(sample, config(), settings, analyzer())


def refused(sample: Sample) -> AvemotionError:
    with pytest.raises(AvemotionError) as caught:
        features(sample)
    return caught.value


def test_a_still_is_a_window_that_does_not_move(tmp_path: Path) -> None:
    """Each frame is the one crop, each instant the one row of the face table, and there is no sound."""
    made = features(face_still(tmp_path))

    [window] = made.windows
    assert (window.start_s, window.end_s) == (0, config().window_s)
    track = analyzer().analyze(
        [media.face_frames()[0]], fps=25, first_frame=0, keep=[0], crop_size=32, checkpoint=no_checkpoint
    )
    assert np.array_equal(made.seen.crops, track.crops)
    assert made.seen.found.tolist() == [True]
    assert made.seen.rows.tolist() == [[0, 0, 0, 0]]
    assert made.seen.series is not None
    assert made.seen.series.shape == (1, 5, 3)
    assert np.isfinite(made.seen.series).all()
    assert np.ptp(made.seen.series, axis=1).max() == 0
    assert made.sound is None
    assert made.silent
    assert fused(made, config()).modalities == [("video",)]


def test_a_picture_without_a_face_is_no_error(tmp_path: Path) -> None:
    """A still of nobody has features that say so, and a window that is not to be scored."""
    sample = face_still(tmp_path)
    assert sample.still is not None
    write_image(sample.still.path, np.full((48, 48, 3), 90, np.uint8))

    made = features(sample)

    assert made.seen.found.tolist() == [False]
    assert fused(made, config()).modalities == [()]


def test_a_sound_has_no_picture(tmp_path: Path) -> None:
    """A sample of sound alone shows nothing, and its windows have a voice."""
    made = features(voice(tmp_path, duration_s=3))

    assert [each.start_s for each in made.windows] == pytest.approx([0, 1])
    assert len(made.seen.crops) == 0
    assert (made.seen.rows == -1).all()
    assert made.table is None
    assert made.activity.min() > 0.3
    assert fused(made, config()).modalities == [("audio",)] * 2


def test_a_long_sample_has_segments_as_in_serving(tmp_path: Path) -> None:
    """What does not fit into one segment follows in further ones, whose times count from the start."""
    made = features(voice(tmp_path, duration_s=5), Settings(segment_s=4))

    assert [[each.start_s for each in part.windows] for part in made.segments] == [[0, 2], [3]]
    assert [each.index for each in made.further[0].windows] == [0]
    assert made.further[0].sound is not None
    assert made.further[0].sound.start_s == 2
    assert len(fused(made, config()).modalities) == 3


def test_the_table_of_a_clip_has_a_row_for_each_frame(tmp_path: Path) -> None:
    """All that the analyzer measured is handed on, not only what the model takes today."""
    path = media.face_video(tmp_path / "clip.mp4", duration_s=1)

    made = features(Sample("clip", "made", video=path))

    assert isinstance(made.table, FaceTable)
    assert len(made.table) == 25
    assert made.table.success.any()


def test_a_sample_that_is_not_what_it_says_is_refused(tmp_path: Path) -> None:
    """Sound for a video, pictures for a sound, a text, and nothing: a sentence each."""
    film = media.video(tmp_path / "film.mp4", frames=10)
    (tmp_path / "text.mp4").write_text("not a film")
    heard = voice(tmp_path).audio

    cases = {
        ErrorCode.NO_VIDEO_STREAM: Sample("sound as video", "made", video=heard),
        ErrorCode.NO_SOUND: Sample("film as sound", "made", audio=film),
        ErrorCode.UNSUPPORTED_MEDIA: Sample("text", "made", video=tmp_path / "text.mp4"),
        ErrorCode.MEDIA_MISSING: Sample("gone", "made", video=tmp_path / "gone.mp4"),
        ErrorCode.INVALID_DATASET: Sample("nothing", "made"),
    }
    errors = {code: refused(sample) for code, sample in cases.items()}
    assert {code: error.code for code, error in errors.items()} == {code: code for code in cases}
    names = ["voice.wav", "film.mp4", "text.mp4", "gone.mp4", "nothing"]
    assert all(name in error.message for name, error in zip(names, errors.values(), strict=True))


def test_the_limits_of_serving_hold(tmp_path: Path) -> None:
    """Media that serving would not take are not trained on either."""
    with pytest.raises(AvemotionError) as caught:
        features(voice(tmp_path, duration_s=3), Settings(max_duration_s=2))

    assert caught.value.code is ErrorCode.MEDIA_TOO_LONG


def test_a_model_that_hears_otherwise_is_refused(tmp_path: Path) -> None:
    """A configuration for sound that this version does not compute would be trained on something else."""
    other = config().model_copy(update={"audio": config().audio.model_copy(update={"hop_samples": 320})})

    with pytest.raises(AvemotionError, match="`audio` must be what this version computes") as caught:
        features_of(voice(tmp_path), other, SETTINGS, analyzer())

    assert caught.value.code is ErrorCode.INVALID_RECIPE


def test_work_on_a_sample_can_be_ended(tmp_path: Path) -> None:
    """A checkpoint that objects ends the work with what it raises."""

    def object_now() -> None:
        raise InterruptedError

    for sample in (face_still(tmp_path), voice(tmp_path)):
        with pytest.raises(InterruptedError):
            features_of(sample, config(), SETTINGS, analyzer(), object_now)
