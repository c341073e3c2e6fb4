"""Which artifacts a job has at this moment."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from api.polling import job_missing
from api.rendering import FACES, PICTURES
from shared.tables import Job, JobStatus, Segment, Stage, StageName, WorkStatus

# Tables of the whole job, in the order of the list.
RESULT, TIMELINE, FACE_TABLE = "result.json", "timeline.csv", "faces.csv"


def list_artifacts(session: Session, job_id: UUID, owner_id: UUID | None) -> dict[str, Any]:
    """Return a job's artifacts that can be fetched now: tables, then pictures by segment.

    Raises:
        AvemotionError: There is no such job.
    """
    job = session.get(Job, job_id)
    if job is None or job.owner_id != owner_id or job.deleted_at is not None:
        raise job_missing(job_id)
    # Files of a job that failed are removed soon after, others when there has to be room.
    kept = job.artifacts_dropped_at is None and (job.status is JobStatus.SUCCEEDED or job.tidied_at is None)
    done = _outputs(session, job_id) if kept else []
    by_stage: dict[StageName, int] = defaultdict(int)
    for row in done:
        by_stage[row.name] += 1
    names = [RESULT] if job.status.ended else []
    names.append(TIMELINE)
    if 0 < job.segments_total == by_stage[FACES[0]]:
        names.append(FACE_TABLE)
    pictures = [
        _picture(job_id, name, row)
        for name, (stage, key) in PICTURES.items()
        for row in done
        if row.name is stage and key in row.output
    ]
    return {"artifacts": [*(_artifact(job_id, name) for name in names), *pictures]}


def _outputs(session: Session, job_id: UUID) -> list[Row[Any]]:
    """Return the finished stages of all segments, in the order of time."""
    rows = session.execute(
        select(Segment.index.label("position"), Segment.start_s, Segment.end_s, Stage.name, Stage.output)
        .join(Stage, Stage.segment_id == Segment.id)
        .where(Stage.job_id == job_id, Stage.status == WorkStatus.DONE, Stage.output.is_not(None))
        .order_by(Segment.index)
    )
    return list(rows)


def _picture(job_id: UUID, name: str, row: Row[Any]) -> dict[str, Any]:
    # Pictures of sound show a little of what lies outside their segment.
    start_s, end_s = row.output.get("shown_s", (row.start_s, row.end_s))
    query = f"?segment={row.position}"
    return _artifact(job_id, name, query, segment=row.position, start_s=start_s, end_s=end_s)


def _artifact(job_id: UUID, name: str, query: str = "", **more: Any) -> dict[str, Any]:
    href = f"/jobs/{job_id}/artifacts/{name}{query}"
    return {"name": name, "href": href, "segment": None, "start_s": None, "end_s": None, **more}
