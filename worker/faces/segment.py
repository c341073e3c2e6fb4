"""The face of one segment: which frames its windows take, and how it is followed through all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shared.catalog import ModelConfig
from shared.settings import Settings
from worker.faces.analyzer import FaceAnalyzer
from worker.faces.track import FaceTrack
from worker.media.frames import read_frames
from worker.media.probe import MediaInfo
from worker.windows import SegmentPlan, frame_indices


def window_frames(segment: SegmentPlan, config: ModelConfig, settings: Settings) -> list[list[int]]:
    """Return which of the segment's frames each of its windows takes, ``num_frame`` a window."""
    return [
        frame_indices(
            window,
            segment_start_s=segment.start_s,
            fps=settings.fps,
            window_fps=settings.window_fps,
            count=config.num_frame,
        )
        for window in segment.windows
    ]


def kept_frames(segment: SegmentPlan, config: ModelConfig, settings: Settings) -> list[int]:
    """Return the frames that any window takes, in order: those whose crops are kept."""
    return sorted({frame for frames in window_frames(segment, config, settings) for frame in frames})


def follow_face(  # noqa: PLR0913 - all but what is looked at are named
    path: Path,
    media: MediaInfo,
    segment: SegmentPlan,
    *,
    config: ModelConfig,
    settings: Settings,
    analyzer: FaceAnalyzer,
    checkpoint: Callable[[], None],
) -> FaceTrack:
    """Follow one face through a segment; there is a crop for each of ``kept_frames``.

    Args:
        path: The file with the picture.
        media: What ``probe`` said of it.
        segment: Which part of it to look at.
        config: Of the model that the crops are for.
        settings: Rate and size of the frames, and the decoder's limits.
        analyzer: What sees the face.
        checkpoint: Called a few times a second; may raise to abort.

    Raises:
        AvemotionError: The media cannot be decoded, or the analyzer cannot work.
    """
    return analyzer.analyze(
        read_frames(
            path,
            media,
            start_s=segment.start_s,
            end_s=segment.end_s,
            fps=settings.fps,
            max_side=settings.frame_side,
            memory_mb=settings.decode_memory_mb,
            time_limit_s=settings.stage_time_limit_s,
            checkpoint=checkpoint,
        ),
        fps=settings.fps,
        first_frame=round(segment.start_s * settings.fps),
        keep=kept_frames(segment, config, settings),
        crop_size=config.input_size,
        crop_zoom=config.face_zoom,
        checkpoint=checkpoint,
    )
