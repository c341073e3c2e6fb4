"""What a stage needs to know, read once when it is claimed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from shared.tables import Job, Prediction, Segment, Stage, StageName, Upload, WorkStatus
from worker.lease import Claim
from worker.windows import Window


@dataclass(frozen=True)
class Assignment:
    """A claimed stage and the rows around it, detached from the database.

    Attributes:
        claim: The right to write the stage's result.
        job: Its job.
        video: The job's video; ``None`` if it has none, or has it no longer.
        audio: The job's audio, likewise.
        segment: The segment; ``None`` for ingest.
        windows: The segment's windows in time order.
        outputs: What the finished stages of this segment gave.
        ahead: The stages of this segment that wait for this one, in their order.
    """

    claim: Claim
    job: Job
    video: Upload | None
    audio: Upload | None
    segment: Segment | None
    windows: tuple[Window, ...]
    outputs: dict[StageName, dict[str, Any]]
    ahead: tuple[StageName, ...]

    @property
    def facts(self) -> dict[str, Any]:
        """Return what ingest found out about the media."""
        return self.outputs.get(StageName.INGEST, {})

    @property
    def span(self) -> Segment:
        """Return the segment of a stage that has one."""
        if self.segment is None:
            raise ValueError("ingest has no segment")
        return self.segment

    @property
    def prefix(self) -> str:
        """Return the storage folder of this claim's files.

        It carries the token: a worker that lost its lease cannot touch the winner's files.
        """
        place = "ingest" if self.segment is None else f"{self.segment.index:04d}"
        return (
            f"{self.job.storage_prefix}/{self.job.attempt}/{place}/{self.claim.name.value}-{self.claim.token}"
        )


def read_assignment(session: Session, claim: Claim, job: Job) -> Assignment:
    """Return the assignment of a stage that was claimed in this transaction."""
    segment = session.get_one(Segment, claim.segment_id) if claim.segment_id else None
    windows: tuple[Window, ...] = ()
    outputs: dict[StageName, dict[str, Any]] = {}
    ahead: tuple[StageName, ...] = ()
    if segment is not None:
        rows = session.execute(
            select(Prediction.index, Prediction.start_s, Prediction.end_s)
            .where(Prediction.segment_id == segment.id)
            .order_by(Prediction.index)
        )
        windows = tuple(Window(*row) for row in rows)
        stages = session.execute(
            select(Stage.name, Stage.status, Stage.output).where(
                Stage.job_id == job.id, or_(Stage.segment_id == segment.id, Stage.segment_id.is_(None))
            )
        ).all()
        outputs = {row.name: row.output or {} for row in stages if row.status is WorkStatus.DONE}
        waiting = {row.name for row in stages if row.status is WorkStatus.WAITING}
        ahead = tuple(name for name in StageName if name in waiting)
    ids = [upload for upload in (job.video_id, job.audio_id) if upload]
    uploads = (
        {row.id: row for row in session.scalars(select(Upload).where(Upload.id.in_(ids)))} if ids else {}
    )
    return Assignment(
        claim=claim,
        job=job,
        video=uploads.get(job.video_id) if job.video_id else None,
        audio=uploads.get(job.audio_id) if job.audio_id else None,
        segment=segment,
        windows=windows,
        outputs=outputs,
        ahead=ahead,
    )
