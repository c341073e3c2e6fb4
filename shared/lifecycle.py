"""Changes of a job's state. Each function works inside the caller's transaction.

Whoever changes a job locks its row first and its units of work second: one order everywhere, so
that no two transactions wait for each other.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from shared.errors import ErrorCode, WarningCode
from shared.settings import Settings
from shared.tables import Job, JobStatus, Prediction, Segment, Stage, StageName, WorkStatus

OPEN_WORK = (WorkStatus.WAITING, WorkStatus.READY, WorkStatus.LEASED)


def open_job(session: Session, job: Job) -> None:
    """Add a new job with its first unit of work.

    The message counts as sent: if it never is, the janitor sends it after ``republish_after_s``.
    """
    session.add(job)
    session.flush()
    session.add(Stage(job_id=job.id, name=StageName.INGEST, status=WorkStatus.READY, published_at=func.now()))


def lock_job(session: Session, job_id: UUID) -> Job | None:
    """Return the job with its row locked until the transaction ends, or ``None`` if it is gone."""
    return lock_job_where(session, Job.id == job_id)


def lock_job_where(session: Session, condition: ColumnElement[bool]) -> Job | None:
    """Return the one job that meets a condition, locked as ``lock_job`` does."""
    statement = select(Job).where(condition).with_for_update(key_share=True)
    return session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def end_job(
    session: Session,
    job: Job,
    status: JobStatus,
    settings: Settings,
    *,
    error: tuple[ErrorCode, str] | None = None,
) -> None:
    """End a locked job: whatever is still open is cancelled, and whoever holds it is fenced off."""
    for table in (Stage, Prediction):
        session.execute(
            update(table)
            .where(table.job_id == job.id, table.status.in_(OPEN_WORK))
            .values(status=WorkStatus.CANCELLED, lease_until=None)
        )
    job.status = status
    job.error_code = error[0].code if error else None
    job.error_message = error[1] if error else None
    job.finished_at = func.now()
    job.expires_at = func.now() + timedelta(seconds=settings.job_ttl_s)
    job.version += 1


def restart_job(session: Session, job: Job) -> None:
    """Begin a locked, ended job anew; results and files of the earlier attempt are given up."""
    session.execute(delete(Segment).where(Segment.job_id == job.id))
    session.execute(delete(Stage).where(Stage.job_id == job.id))
    job.status = JobStatus.QUEUED
    job.attempt += 1
    job.version += 1
    job.stages_total, job.stages_done = 1, 0
    job.segments_total, job.segments_done = 0, 0
    job.stage_seconds, job.warnings = {}, []
    job.stage = job.error_code = job.error_message = None
    job.summary = job.analyzer_info = job.media = None
    job.started_at = job.finished_at = job.expires_at = job.tidied_at = None
    open_job(session, job)


def warning(code: WarningCode) -> dict[str, Any]:
    """Return a warning as it stands in the result document."""
    return {"code": code.code, "message": code.message}
