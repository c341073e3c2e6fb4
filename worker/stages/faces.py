"""``faces``: follow one face through a segment; keep its table and what the windows will use of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from shared.catalog import ModelCard
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from worker.arrays import write_array
from worker.assignment import Assignment
from worker.faces import load_analyzer
from worker.fusion.series import window_series
from worker.media.frames import read_frames
from worker.media.probe import MediaInfo
from worker.runner import Result
from worker.stages.model_card import card_of
from worker.toolkit import Toolkit
from worker.windows import frame_indices


def run(assignment: Assignment, kit: Toolkit, checkpoint: Callable[[], None]) -> Result:
    """Analyse the segment's frames.

    Raises:
        AvemotionError: The media are gone or cannot be decoded, or the analyzer cannot work.
    """
    settings, segment, card = kit.settings, assignment.span, card_of(assignment.job.model, kit.settings)
    media = MediaInfo(**assignment.facts["video"])
    keep = sorted({index for row in window_rows(assignment, settings, card) for index in row})
    analyzer = load_analyzer(assignment.job.analyzer, settings)
    reliability = analyzer.reliability
    if assignment.video is None:
        raise AvemotionError(ErrorCode.MEDIA_MISSING, "The video of this job was deleted while it ran.")
    with kit.storage.local(assignment.video.storage_key) as path:
        track = analyzer.analyze(
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
            keep=keep,
            crop_size=card.input_size,
            checkpoint=checkpoint,
        )
    faces_csv = f"{assignment.prefix}/faces.csv"
    kit.storage.write(faces_csv, track.table.to_csv().encode())
    stored = {"crops": write_array(kit.storage, f"{assignment.prefix}/crops.npy", track.crops).to_json()}
    if card.series is not None:
        series = window_series(
            track.table, assignment.windows, card.series, segment_start_s=segment.start_s, fps=settings.fps
        )
        stored["series"] = write_array(kit.storage, f"{assignment.prefix}/series.npy", series).to_json()
    return Result(
        {
            "analyzer": {
                "name": analyzer.name,
                "version": analyzer.version,
                "reliability": None if reliability is None else dict(reliability),
            },
            "warnings": [code.code for code in track.warnings],
            "frames": len(track.table),
            "usable_frames": int(np.count_nonzero(track.table.success)),
            "most_faces": track.most_faces,
            "faces_csv": faces_csv,
            "keep": keep,
            "found": track.found.tolist(),
            **stored,
        }
    )


def window_rows(assignment: Assignment, settings: Settings, card: ModelCard) -> list[list[int]]:
    """Return which of the segment's frames each of its windows takes."""
    return [
        frame_indices(
            window,
            segment_start_s=assignment.span.start_s,
            fps=settings.fps,
            window_fps=settings.window_fps,
            count=card.num_frame,
        )
        for window in assignment.windows
    ]
