"""The claim protocol of stages: claim, renew, finish, give back, fail.

A claim is one conditional UPDATE under the job's row lock. It takes a lease in database time and
raises the row's token; every later write is conditional on that token. So a stage that is delivered
twice runs twice at worst, and is written once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, case, func, or_, select, update
from sqlalchemy.orm import Session

from shared.lifecycle import lock_job, lock_job_where
from shared.settings import Settings
from shared.tables import Job, JobStatus, Segment, Stage, StageName, WorkStatus
from worker.pulse import LeaseLostError


class Refusal(Enum):
    """Why a claim was not given."""

    DONE = "done"
    """The stage has its result: the next one may run."""
    BUSY = "busy"
    """Held by another, not due yet, or cancelled: this message has nothing to do."""


@dataclass(frozen=True)
class Claim:
    """The right to write one stage's result, for as long as the token stands."""

    stage_id: UUID
    job_id: UUID
    segment_id: UUID | None
    name: StageName
    token: int


def due(table: Any) -> ColumnElement[bool]:
    """Return the condition that a unit's backoff has passed."""
    return or_(table.not_before.is_(None), table.not_before <= func.now())


def claim(session: Session, name: StageName, key: UUID, lease_s: float) -> Claim | Refusal:
    """Claim a stage: of the job ``key`` for ``ingest``, of the segment ``key`` for all others."""
    if name is StageName.INGEST:
        owner = Job.id == key
        target = (Stage.job_id == key) & Stage.segment_id.is_(None) & (Stage.name == name)
    else:
        owner = Job.id == select(Segment.job_id).where(Segment.id == key).scalar_subquery()
        target = (Stage.segment_id == key) & (Stage.name == name)
    job = lock_job_where(session, owner)
    if job is None:
        return Refusal.BUSY
    row = session.execute(
        update(Stage)
        .where(target, Stage.status == WorkStatus.READY, due(Stage))
        .values(
            status=WorkStatus.LEASED,
            token=Stage.token + 1,
            lease_until=func.now() + timedelta(seconds=lease_s),
            not_before=None,
        )
        .returning(Stage.id, Stage.job_id, Stage.segment_id, Stage.token)
    ).one_or_none()
    if row is None:
        status = session.scalar(select(Stage.status).where(target))
        return Refusal.DONE if status is WorkStatus.DONE else Refusal.BUSY
    if job.status is JobStatus.QUEUED:
        job.status = JobStatus.RUNNING
        job.started_at = func.now()
    job.stage = name.value
    job.version += 1
    return Claim(row.id, row.job_id, row.segment_id, name, row.token)


def held(claimed: Claim) -> ColumnElement[bool]:
    """Return the condition that ``claimed`` still stands."""
    return (
        (Stage.id == claimed.stage_id) & (Stage.token == claimed.token) & (Stage.status == WorkStatus.LEASED)
    )


def renew(session: Session, claimed: Claim, lease_s: float) -> bool:
    """Move the lease on; tell whether it still stood."""
    return _changed(
        session,
        update(Stage).where(held(claimed)).values(lease_until=func.now() + timedelta(seconds=lease_s)),
    )


def finish(session: Session, claimed: Claim, output: dict[str, Any], seconds: float) -> Job | None:
    """Write a stage's result and make the segment's next stage ready.

    Returns:
        The locked job, for whatever else the stage writes in this transaction; ``None`` if an
        earlier try of this very commit went through though its answer was lost.

    Raises:
        LeaseLostError: Another has the stage by now, or the job has ended: nothing was written.
    """
    job = lock_job(session, claimed.job_id)
    if job is None:
        raise LeaseLostError
    done = update(Stage).where(held(claimed)).values(status=WorkStatus.DONE, lease_until=None, output=output)
    if not _changed(session, done):
        mine = select(Stage.id).where(
            Stage.id == claimed.stage_id, Stage.token == claimed.token, Stage.status == WorkStatus.DONE
        )
        if session.scalar(mine) is None:
            raise LeaseLostError
        return None
    count_done(job, claimed.name, seconds)
    if claimed.segment_id is not None:
        ready_next(session, claimed.segment_id)
    return job


def count_done(job: Job, name: StageName, seconds: float = 0) -> None:
    """Enter one finished stage into its locked job's counters."""
    job.stages_done += 1
    job.version += 1
    add_seconds(job, name, seconds)


def add_seconds(job: Job, name: StageName, seconds: float) -> None:
    """Add compute time to a locked job's account of a stage."""
    spent = float(job.stage_seconds.get(name.value, 0))
    job.stage_seconds = {**job.stage_seconds, name.value: round(spent + seconds, 4)}


def ready_next(session: Session, segment_id: UUID) -> None:
    """Make the first waiting stage of a segment ready; its message counts as sent by the chain."""
    position = case({name.value: place for place, name in enumerate(StageName)}, value=Stage.name)
    first = (
        select(Stage.id)
        .where(Stage.segment_id == segment_id, Stage.status == WorkStatus.WAITING)
        .order_by(position)
        .limit(1)
        .scalar_subquery()
    )
    session.execute(
        update(Stage).where(Stage.id == first).values(status=WorkStatus.READY, published_at=func.now())
    )


def give_back(session: Session, claimed: Claim, settings: Settings) -> bool:
    """Return a stage after a failure that may pass; tell whether it may be tried again."""
    retries = session.scalar(select(Stage.retries).where(held(claimed)).with_for_update())
    if retries is None:
        raise LeaseLostError
    if retries >= settings.max_retries:
        return False
    delay_s = settings.retry_backoff_s * 2**retries
    session.execute(
        update(Stage)
        .where(held(claimed))
        .values(
            status=WorkStatus.READY,
            retries=retries + 1,
            lease_until=None,
            not_before=func.now() + timedelta(seconds=delay_s),
            # Not sent: the janitor sends it when it is due.
            published_at=None,
        )
    )
    return True


def _changed(session: Session, statement: Any) -> bool:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount > 0
