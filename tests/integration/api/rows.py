"""Rows and files as workers would have written them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from shared.storage import Storage
from shared.tables import Job, JobStatus, Prediction, Segment, Stage, StageName, WorkStatus

LABELS = ["anger", "joy"]


def change(engine: Engine, job_id: UUID, **values: Any) -> None:
    """Change a job as a worker does: with its version."""
    with engine.begin() as connection:
        connection.execute(update(Job).where(Job.id == job_id).values(version=Job.version + 1, **values))


def add_segment(engine: Engine, job_id: UUID, index: int = 0, windows: int = 2) -> UUID:
    """Add a segment with windows that are scored, but for the last, which still waits."""
    with Session(engine) as session, session.begin():
        segment = Segment(job_id=job_id, index=index, start_s=10.0 * index, end_s=10.0 * index + 10)
        session.add(segment)
        session.flush()
        for number in range(windows + 1):
            done = number < windows
            session.add(
                Prediction(
                    job_id=job_id,
                    segment_id=segment.id,
                    index=number,
                    rank=0,
                    start_s=10.0 * index + 2 * number,
                    end_s=10.0 * index + 2 * number + 2,
                    modalities=["video", "audio"] if done else [],
                    face_coverage=0.5,
                    voice_activity=0.25,
                    probabilities={"anger": 0.75, "joy": 0.25} if done else None,
                    valence=-0.5 if done else None,
                    arousal=0.125 if done else None,
                    status=WorkStatus.DONE if done else WorkStatus.READY,
                )
            )
        job = session.get_one(Job, job_id)
        job.status = JobStatus.RUNNING
        job.segments_total += 1
        job.model_info = {
            "id": "some",
            "preset": "tiny",
            "fusion": "early",
            "labels": LABELS,
            "weights_sha256": None,
            "trained": False,
            "card_url": "/models/some",
        }
        job.version += 1
        return segment.id


def add_output(
    engine: Engine, storage: Storage, segment_id: UUID, stage: StageName, **files: bytes
) -> list[str]:
    """Add a finished stage with its files under the names that its output gives them; return their keys."""
    with Session(engine) as session, session.begin():
        segment = session.get_one(Segment, segment_id)
        keys = {name: f"jobs/{segment.job_id}/1/{segment.index:04d}/{stage.value}-1/{name}" for name in files}
        session.add(
            Stage(
                job_id=segment.job_id,
                segment_id=segment_id,
                name=stage,
                status=WorkStatus.DONE,
                output={**keys, "frames": 3},
            )
        )
    for name, key in keys.items():
        storage.write(key, files[name])
    return list(keys.values())
