"""Changes of a job's state. Each function works inside the caller's transaction.

Whoever changes a job locks its row first and its units of work second: one order everywhere, so
that no two transactions wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Engine, delete, func, insert, select, update
from sqlalchemy.orm import Session

from shared.database import make_durable, transact
from shared.ends import count_ends
from shared.errors import AvemotionError, ErrorCode, WarningCode
from shared.settings import Settings
from shared.tables import ENDED, Job, JobStatus, Prediction, Segment, Stage, StageName, WorkStatus
from shared.webhooks.outbox import End, announce_jobs, withdraw_end

# Jobs that are changed in one transaction: few enough to be locked for a moment only.
STEP_JOBS = 500
# Long enough for a deadlock with another change of many jobs to be broken and the step to be done again.
STEP_PATIENCE_S = 5
OPEN_WORK = (WorkStatus.WAITING, WorkStatus.READY, WorkStatus.LEASED)


def open_job(session: Session, job: Job) -> None:
    """Add one new job as ``open_jobs`` does many."""
    open_jobs(session, [job])


def open_jobs(session: Session, jobs: Sequence[Job]) -> None:
    """Add new jobs, each with its first unit of work; the statements are few, however many the jobs.

    Their messages count as sent: those that never are, the janitor sends after ``republish_after_s``.
    """
    session.add_all(jobs)
    session.flush()
    session.execute(
        insert(Stage).values(published_at=func.now()),
        [{"job_id": job.id, "name": StageName.INGEST, "status": WorkStatus.READY} for job in jobs],
    )


def lock_job(session: Session, job_id: UUID) -> Job | None:
    """Return the job with its row locked until the transaction ends, or ``None`` if it is gone."""
    return lock_job_where(session, Job.id == job_id)


def lock_jobs(session: Session, job_ids: Collection[UUID]) -> list[Job]:
    """Return those of these jobs that are there, locked as ``lock_job`` does, in the order of their ids."""
    statement = select(Job).where(Job.id.in_(job_ids)).order_by(Job.id).with_for_update(key_share=True)
    return list(session.scalars(statement.execution_options(populate_existing=True)))


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
    # Nobody may hear of an end that could be forgotten.
    make_durable(session)
    _cancel_work(session, [job.id])
    now = session.scalars(select(func.now())).one()
    settle_job(session, job, status, expiry(now, settings), error=error)


class Expiry(NamedTuple):
    """When a job ended, and when it is erased."""

    finished_at: datetime
    expires_at: datetime


def expiry(now: datetime, settings: Settings) -> Expiry:
    """Return the times of a job that ends ``now``."""
    return Expiry(now, now + timedelta(seconds=settings.job_ttl_s))


def settle_job(
    session: Session,
    job: Job,
    status: JobStatus,
    times: Expiry,
    *,
    error: tuple[ErrorCode, str] | None = None,
) -> None:
    """End a locked job of which nothing is open any more, in a transaction that was made durable."""
    job.status = status
    job.error_code = error[0].code if error else None
    job.error_message = error[1] if error else None
    job.finished_at, job.expires_at = times
    job.version += 1
    count_ends(session, status, job.error_code)
    if job.webhook_url is not None:
        announce_jobs(session, [End(job.id, status, job.webhook_url)])


def cancel_job(session: Session, job: Job, settings: Settings) -> None:
    """End a locked job as cancelled; one that is cancelled already stays as it is.

    Raises:
        AvemotionError: It has succeeded or failed.
    """
    if job.status is JobStatus.CANCELLED:
        return
    if job.status.ended:
        raise AvemotionError(
            ErrorCode.CONFLICT, f"The job has {job.status.value} already; it cannot be cancelled."
        )
    end_job(session, job, JobStatus.CANCELLED, settings)


def cancel_jobs(session: Session, job_ids: Sequence[UUID], settings: Settings) -> None:
    """End those of many locked jobs that are open, as ``end_job`` ends one."""
    make_durable(session)
    _cancel_work(session, job_ids)
    ended = session.execute(
        update(Job)
        .where(Job.id.in_(job_ids), Job.status.not_in(ENDED))
        .values(
            status=JobStatus.CANCELLED,
            finished_at=func.now(),
            expires_at=func.now() + timedelta(seconds=settings.job_ttl_s),
            version=Job.version + 1,
        )
        .returning(Job.id, Job.status, Job.webhook_url)
        .execution_options(synchronize_session=False)
    ).all()
    count_ends(session, JobStatus.CANCELLED, None, len(ended))
    announce_jobs(session, (End(row.id, row.status, row.webhook_url) for row in ended if row.webhook_url))


def in_steps(
    engine: Engine, condition: ColumnElement[bool], work: Callable[[Session, Sequence[UUID]], None]
) -> None:
    """Do ``work`` with all jobs that can be seen and meet a condition, some at a time.

    Each step is a transaction with its jobs locked, oldest first. After ``work`` they must no longer meet
    the condition or be seen: the next step takes those that are left.
    """
    chosen = (
        select(Job.id)
        .where(condition, Job.deleted_at.is_(None))
        .order_by(Job.id)
        .limit(STEP_JOBS)
        .with_for_update(key_share=True)
    )

    def step(session: Session) -> bool:
        jobs = session.scalars(chosen).all()
        if jobs:
            work(session, jobs)
        return bool(jobs)

    while transact(engine, step, patience_s=STEP_PATIENCE_S):
        pass


def _cancel_work(session: Session, job_ids: Sequence[UUID]) -> None:
    for table in (Stage, Prediction):
        session.execute(
            update(table)
            .where(table.job_id.in_(job_ids), table.status.in_(OPEN_WORK))
            .values(status=WorkStatus.CANCELLED, lease_until=None)
        )


def restart_job(session: Session, job: Job) -> None:
    """Begin a locked, ended job anew; results and files of the earlier attempt are given up.

    A webhook of that attempt that is not delivered yet is taken back: the next end has one of its own.
    """
    withdraw_end(session, job)
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
    job.artifact_bytes = job.artifacts_dropped_at = None
    open_job(session, job)


def warning(code: WarningCode) -> dict[str, Any]:
    """Return a warning as it stands in the result document."""
    return {"code": code.code, "message": code.message}
