"""``faces``: follow one face through a segment; keep its table and what the windows will use of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from shared.errors import AvemotionError, ErrorCode
from worker.arrays import write_array
from worker.assignment import Assignment
from worker.faces import load_analyzer
from worker.faces.segment import follow_face, kept_frames
from worker.fusion.series import window_series
from worker.media.frames import frame_size
from worker.media.probe import MediaInfo
from worker.runner import Result
from worker.stages.media_file import media_file
from worker.stages.model_card import card_of
from worker.stages.segment import segment_of
from worker.toolkit import Toolkit


def run(assignment: Assignment, kit: Toolkit, checkpoint: Callable[[], None]) -> Result:
    """Analyse the segment's frames.

    Raises:
        AvemotionError: The media are gone or cannot be decoded, or the analyzer cannot work.
    """
    settings, segment = kit.settings, segment_of(assignment)
    card = card_of(assignment.job.model, settings)
    analyzer = load_analyzer(assignment.job.analyzer, settings)
    reliability = analyzer.reliability
    if assignment.video is None:
        raise AvemotionError(ErrorCode.MEDIA_MISSING, "The video of this job was deleted while it ran.")
    media = MediaInfo(**assignment.facts["video"])
    width, height = frame_size(media, settings.frame_side)
    with media_file(assignment.video, kit) as path:
        track = follow_face(
            path,
            media,
            segment,
            config=card,
            settings=settings,
            analyzer=analyzer,
            checkpoint=checkpoint,
        )
    faces_csv = f"{assignment.prefix}/faces.csv"
    kit.storage.write(faces_csv, track.table.to_csv().encode())
    stored = {"crops": write_array(kit.storage, f"{assignment.prefix}/crops.npy", track.crops).to_json()}
    if card.series is not None:
        series = window_series(
            track.table, segment.windows, card.series, segment_start_s=segment.start_s, fps=settings.fps
        )
        stored["series"] = write_array(kit.storage, f"{assignment.prefix}/series.npy", series).to_json()
    return Result(
        {
            "analyzer": {
                "name": analyzer.name,
                "version": analyzer.version,
                "reliability": None if reliability is None else dict(reliability),
                "width": width,
                "height": height,
            },
            "warnings": [code.code for code in track.warnings],
            "frames": len(track.table),
            "usable_frames": int(np.count_nonzero(track.table.success)),
            "most_faces": track.most_faces,
            "faces_csv": faces_csv,
            "keep": kept_frames(segment, card, settings),
            "found": track.found.tolist(),
            **stored,
        }
    )
