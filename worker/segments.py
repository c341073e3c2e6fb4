"""The rows of a job's segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from shared.tables import Job, Prediction, Segment, Stage, StageName, WorkStatus
from worker.windows import SegmentPlan


def new_segments(job: Job, plans: Sequence[SegmentPlan]) -> list[Segment]:
    """Return the segments of a job, which no session knows."""
    return [
        Segment(id=uuid7(), job_id=job.id, index=plan.index, start_s=plan.start_s, end_s=plan.end_s)
        for plan in plans
    ]


def insert_segments(
    session: Session,
    job: Job,
    segments: Sequence[Segment],
    plans: Sequence[SegmentPlan],
    stages: Sequence[StageName],
) -> None:
    """Insert a job's segments, each with its stages, of which the first is ready, and its windows."""
    columns = ("id", "job_id", "index", "start_s", "end_s")
    _insert(session, Segment, [{name: getattr(each, name) for name in columns} for each in segments])
    _insert(
        session,
        Stage,
        [
            {
                "job_id": job.id,
                "segment_id": segment.id,
                "name": name,
                "status": WorkStatus.READY if position == 0 else WorkStatus.WAITING,
            }
            for segment in segments
            for position, name in enumerate(stages)
        ],
    )
    _insert(
        session,
        Prediction,
        [
            {
                "job_id": job.id,
                "segment_id": segment.id,
                "index": window.index,
                "rank": job.priority.rank,
                "start_s": window.start_s,
                "end_s": window.end_s,
                "status": WorkStatus.WAITING,
            }
            for segment, plan in zip(segments, plans, strict=True)
            for window in plan.windows
        ],
    )


def _insert(session: Session, table: type[Any], rows: list[dict[str, Any]]) -> None:
    # The table, not its class: nobody needs the objects.
    session.execute(insert(cast("Table", table.__table__)), rows)
