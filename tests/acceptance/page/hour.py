"""A job of an hour, written as workers would have written it: to score one takes longer than a test may."""

from __future__ import annotations

import math
from uuid import UUID

from sqlalchemy.orm import Session

from shared.tables import Job, JobStatus, Prediction, Segment, Stage, StageName, WorkStatus
from tests.acceptance.service import Service

WINDOW_S = 2
SEGMENT_WINDOWS = 30
SEGMENTS = 60
FPS = 25
LABELS = ("anger", "happiness", "neutral")


def write_hour(service: Service) -> UUID:
    """Add a job of 1,800 windows and 90,000 rows of a face, and return its id; its clip has expired."""
    segment_s = WINDOW_S * SEGMENT_WINDOWS
    with Session(service.engine) as session, session.begin():
        job = Job(
            request_sha256="",
            fusion="hybrid",
            analyzer="landmarker",
            model="videomae-nano",
            window_s=WINDOW_S,
            stride_s=WINDOW_S,
            priority="interactive",
            status=JobStatus.SUCCEEDED,
            segments_total=SEGMENTS,
            segments_done=SEGMENTS,
            rules=[{"when": "anger", "over": 0.8, "under": None, "for_s": 4.0}],
            media={
                "duration_s": segment_s * SEGMENTS,
                "fps": FPS,
                "width": 640,
                "height": 360,
                "sample_rate": None,
            },
            model_info={
                "id": "videomae-nano",
                "preset": "nano",
                "fusion": "hybrid",
                "labels": list(LABELS),
                "weights_sha256": None,
                "trained": True,
                "card_url": "/models/videomae-nano",
                "metrics": {},
            },
            analyzer_info={
                "name": "landmarker",
                "version": "1",
                "faces_found": 1,
                "reliability": None,
                "usable_frames": FPS * segment_s * SEGMENTS,
                "frames": FPS * segment_s * SEGMENTS,
            },
            summary={
                "emotion": "neutral",
                "probabilities": dict(zip(LABELS, (0.2, 0.2, 0.6), strict=True)),
                "valence": 0.0,
                "arousal": 0.0,
                "confidence": 0.6,
            },
        )
        session.add(job)
        session.flush()
        for index in range(SEGMENTS):
            start_s = index * segment_s
            segment = Segment(job_id=job.id, index=index, start_s=start_s, end_s=start_s + segment_s)
            session.add(segment)
            session.flush()
            session.add_all(_window(job.id, segment, number) for number in range(SEGMENT_WINDOWS))
            key = f"jobs/{job.id}/1/{index:04d}/faces-1/faces.csv"
            session.add(
                Stage(
                    job_id=job.id,
                    segment_id=segment.id,
                    name=StageName.FACES,
                    status=WorkStatus.DONE,
                    output={"faces_csv": key},
                )
            )
            service.storage.write(key, _faces(start_s, segment_s).encode())
        return job.id


def _window(job_id: UUID, segment: Segment, number: int) -> Prediction:
    start_s = segment.start_s + WINDOW_S * number
    anger = 0.45 + 0.4 * math.sin(start_s / 300)
    return Prediction(
        job_id=job_id,
        segment_id=segment.id,
        index=number,
        rank=0,
        status=WorkStatus.DONE,
        start_s=start_s,
        end_s=start_s + WINDOW_S,
        modalities=["video"],
        face_coverage=1.0,
        probabilities=dict(zip(LABELS, (anger, 0.1, 0.9 - anger), strict=True)),
        valence=math.cos(start_s / 200),
        arousal=math.sin(start_s / 200),
    )


def _faces(start_s: int, length_s: int) -> str:
    """Return rows of one action unit, of which a second in each minute is not known."""
    lines = ["frame,face_id,timestamp,confidence,success,AU12_r"]
    for frame in range(length_s * FPS):
        level = "" if frame < FPS else f"{2 + math.sin(frame / 100):.2f}"
        lines.append(f"{start_s * FPS + frame + 1},0,{start_s + frame / FPS:.3f},1.00,1,{level}")
    return "\n".join(lines) + "\n"
