"""Features of one sample: what serving's stages would make of it, by the functions that they call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from shared.catalog import ModelConfig
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from training.datasets.sample import Sample, Still
from training.features.pictures import read_still
from training.features.sample_features import SampleFeatures, series_of
from training.features.sources import demuxer_of
from worker.audio.segment import listen
from worker.audio.settings import AUDIO
from worker.faces.analyzer import FaceAnalyzer
from worker.faces.segment import follow_face, kept_frames, window_frames
from worker.fusion import Seen
from worker.fusion.segment import rows_of, seen_nothing
from worker.media.material import Material, probe_within
from worker.media.probe import MediaInfo
from worker.media.sandbox import no_checkpoint
from worker.windows import SegmentPlan, Window, plan_segments, plan_windows


def features_of(
    sample: Sample,
    config: ModelConfig,
    settings: Settings,
    analyzer: FaceAnalyzer,
    checkpoint: Callable[[], None] = no_checkpoint,
) -> SampleFeatures:
    """Return what the stages of a job would find in a sample, one window after the other.

    A still is a window in which one picture stands, without sound.

    Args:
        sample: A clip, a sound, both, or a still.
        config: Of the model that is to be trained; windows are ``window_s`` long and do not overlap.
        settings: As serving has them.
        analyzer: What sees the faces; it is no error if it sees none.
        checkpoint: Called a few times a second; may raise to abort.

    Raises:
        AvemotionError: A file is not there, broken, too long or too large, or holds something else than
            the sample says.
        TransientError: The machine has no room for another process now.
    """
    check_audio(config)
    extraction = _Extraction(sample, config, settings, analyzer, checkpoint)
    if sample.still is not None:
        return extraction.of_still(sample.still)
    material = extraction.probed()
    windows = plan_windows(material.duration_s, config.window_s, config.window_s)
    segments = plan_segments(windows, settings.segment_s)
    first, *further = [extraction.of_segment(material, segment) for segment in segments]
    return replace(first, further=tuple(further))


def check_audio(config: ModelConfig) -> None:
    """Raise unless a model would hear as sound is heard here.

    Raises:
        AvemotionError: ``INVALID_RECIPE``.
    """
    if config.audio != AUDIO:
        raise AvemotionError(
            ErrorCode.INVALID_RECIPE,
            f"The configuration's `audio` must be what this version computes: {AUDIO.model_dump_json()}.",
        )


@dataclass(frozen=True)
class _Extraction:
    """The work on one sample."""

    sample: Sample
    config: ModelConfig
    settings: Settings
    analyzer: FaceAnalyzer
    checkpoint: Callable[[], None]

    def probed(self) -> Material:
        """Return what the files hold, once they hold what they should."""
        sample = self.sample
        if sample.video is None and sample.audio is None:
            raise AvemotionError(ErrorCode.INVALID_DATASET, f"The sample {sample.id} names no file.")
        material = Material(self._probed(sample.video), self._probed(sample.audio))
        if material.picture is not None and not material.picture.has_video:
            raise AvemotionError(ErrorCode.NO_VIDEO_STREAM, f"{sample.video} holds no moving picture.")
        if material.voice is not None and not material.voice.has_audio:
            raise AvemotionError(ErrorCode.NO_SOUND, f"{sample.audio} holds no sound.")
        return material

    def _probed(self, path: Path | None) -> MediaInfo | None:
        if path is None:
            return None
        return probe_within(path, demuxer_of(path), self.settings, self.checkpoint)

    def of_segment(self, material: Material, segment: SegmentPlan) -> SampleFeatures:
        """Return what is seen and heard in one segment."""
        silence = np.zeros(len(segment.windows), np.float32)
        nothing = seen_nothing(len(segment.windows), self.config)
        features = SampleFeatures(segment.windows, nothing, None, silence, silent=True)
        if self.sample.video is not None and material.picture is not None:
            features = self._with_face(features, self.sample.video, material.picture, segment)
        path = self.sample.audio or self.sample.video
        if path is not None and material.sound is not None:
            heard = listen(path, material.sound, segment, self.settings, self.checkpoint)
            features = replace(features, sound=heard.features, activity=heard.activity, silent=heard.silent)
        return features

    def _with_face(
        self, features: SampleFeatures, path: Path, media: MediaInfo, segment: SegmentPlan
    ) -> SampleFeatures:
        track = follow_face(
            path,
            media,
            segment,
            config=self.config,
            settings=self.settings,
            analyzer=self.analyzer,
            checkpoint=self.checkpoint,
        )
        rows = rows_of(
            window_frames(segment, self.config, self.settings),
            kept_frames(segment, self.config, self.settings),
        )
        series = series_of(track.table, segment.windows, self.config, self.settings.fps)
        return replace(features, seen=Seen(track.crops, track.found, rows, series), table=track.table)

    def of_still(self, still: Still) -> SampleFeatures:
        """Return what is seen in a picture."""
        config, settings = self.config, self.settings
        track = self.analyzer.analyze(
            [read_still(still, settings, self.checkpoint)],
            fps=settings.fps,
            first_frame=0,
            keep=[0],
            crop_size=config.input_size,
            crop_zoom=config.face_zoom,
            checkpoint=self.checkpoint,
        )
        windows = (Window(0, 0.0, config.window_s),)
        seen = Seen(
            track.crops,
            track.found,
            np.zeros((1, config.num_frame), np.int64),
            series_of(track.table, windows, config, still_fps(config)),
        )
        return SampleFeatures(windows, seen, None, np.zeros(1, np.float32), silent=True, table=track.table)


def still_fps(config: ModelConfig) -> float:
    """Return the rate at which one picture fills a window."""
    return 1 / config.window_s
