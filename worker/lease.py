"""The claim protocol of stages: claim, renew, finish, give back, fail.

A claim is one conditional UPDATE under the job's row lock. It takes a lease in database time and
raises the row's token; every later write is conditional on that token. So a stage that is delivered
twice runs twice at worst, and is written once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    JSON,
    ColumnElement,
    CursorResult,
    Float,
    Interval,
    Numeric,
    Text,
    bindparam,
    case,
    func,
    literal,
    select,
    update,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from shared.backlog import due
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


def _begin(owner: ColumnElement[bool]) -> ReturningUpdate[Job]:
    begun = case(
        (Job.status == JobStatus.QUEUED, literal(JobStatus.RUNNING, Job.status.type)), else_=Job.status
    )
    return (
        update(Job)
        .where(owner)
        .values(
            status=begun,
            started_at=func.coalesce(Job.started_at, func.now()),
            stage=bindparam("stage_"),
            version=Job.version + 1,
        )
        .returning(Job)
        .execution_options(synchronize_session=False)
    )


def _lease(*conditions: ColumnElement[bool]) -> ReturningUpdate[UUID, UUID | None, int]:
    return (
        update(Stage)
        .where(*conditions)
        .values(
            status=WorkStatus.LEASED,
            token=Stage.token + 1,
            lease_until=func.now() + bindparam("lease_", type_=Interval),
            not_before=None,
        )
        .returning(Stage.id, Stage.segment_id, Stage.token)
        .execution_options(synchronize_session=False)
    )


# Built once: to build a statement takes longer than to run it. The first of each change locks the job.
_INGEST = (Stage.job_id == bindparam("key_"), Stage.segment_id.is_(None), Stage.name == bindparam("name_"))
_OF_SEGMENT = (Stage.segment_id == bindparam("key_"), Stage.name == bindparam("name_"))
_READY = (Stage.status == WorkStatus.READY, due(Stage))
_BEGIN_JOB = _begin(Job.id == bindparam("key_"))
_BEGIN_JOB_OF_SEGMENT = _begin(
    Job.id == select(Segment.job_id).where(Segment.id == bindparam("key_")).scalar_subquery()
)
_LEASE_INGEST = _lease(*_INGEST, *_READY)
_LEASE = _lease(*_OF_SEGMENT, *_READY)
_LEASE_FOLLOWING = _lease(*_OF_SEGMENT, Stage.status.in_((WorkStatus.WAITING, WorkStatus.READY)))
_MAKE_READY = (
    update(Stage)
    .where(*_OF_SEGMENT, Stage.status == WorkStatus.WAITING)
    .values(status=WorkStatus.READY, published_at=func.now())
    .execution_options(synchronize_session=False)
)
_SECONDS = cast_to(Job.stage_seconds, JSONB)
_COUNT = (
    update(Job)
    .where(Job.id == bindparam("job_"))
    .values(
        stages_done=Job.stages_done + 1,
        version=Job.version + 1,
        stage_seconds=cast_to(
            _SECONDS.concat(
                func.jsonb_build_object(
                    bindparam("name_", type_=Text),
                    func.round(
                        func.coalesce(cast_to(_SECONDS[bindparam("name_", type_=Text)].astext, Numeric), 0)
                        + cast_to(bindparam("seconds_", type_=Float), Numeric),
                        4,
                    ),
                )
            ),
            JSON,
        ),
    )
    .execution_options(synchronize_session=False)
)
_MINE = (Stage.id == bindparam("stage_"), Stage.token == bindparam("token_"))
_END = (
    update(Stage)
    .where(*_MINE, Stage.status == WorkStatus.LEASED)
    .values(status=WorkStatus.DONE, lease_until=None, output=bindparam("output_", type_=JSON))
    .execution_options(synchronize_session=False)
)


def claim(session: Session, name: StageName, key: UUID, lease_s: float) -> tuple[Claim, Job] | Refusal:
    """Claim a stage: of the job ``key`` for ``ingest``, of the segment ``key`` for all others.

    Returns the claim and its job, or why not: the transaction is rolled back then.
    """
    ingest = name is StageName.INGEST
    begin, lease = (_BEGIN_JOB, _LEASE_INGEST) if ingest else (_BEGIN_JOB_OF_SEGMENT, _LEASE)
    of_stage = {"key_": key, "name_": name}
    job = session.scalars(begin, {"key_": key, "stage_": name.value}).one_or_none()
    row = session.execute(lease, {**of_stage, "lease_": timedelta(seconds=lease_s)}).one_or_none()
    if job is None or row is None:
        status = session.scalar(select(Stage.status).where(*(_INGEST if ingest else _OF_SEGMENT)), of_stage)
        session.rollback()
        return Refusal.DONE if status is WorkStatus.DONE else Refusal.BUSY
    return Claim(row.id, job.id, row.segment_id, name, row.token), job


def claim_following(session: Session, segment: Segment, name: StageName, lease_s: float) -> Claim | None:
    """Claim the stage that follows one which was finished in this transaction.

    No message is sent for it: the process that finished the one before goes on with it. ``None`` where the
    job has ended with that one.
    """
    values = {"key_": segment.id, "name_": name, "lease_": timedelta(seconds=lease_s)}
    row = session.execute(_LEASE_FOLLOWING, values).one_or_none()
    return Claim(row.id, segment.job_id, row.segment_id, name, row.token) if row else None


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


def finish(
    session: Session, claimed: Claim, output: Mapping[str, Any], seconds: float, changes: Mapping[str, Any]
) -> bool:
    """Write a stage's result, and what it changes of its job.

    Args:
        session: A transaction; the job is locked in it from here on.
        claimed: The right to do so.
        output: Of the stage.
        seconds: That it took.
        changes: Values of the job's columns.

    Returns:
        False if an earlier try of this very commit went through though its answer was lost: the transaction
        is rolled back then.

    Raises:
        LeaseLostError: Another has the stage by now, or the job has ended: nothing was written.
    """
    count = _COUNT.values(**changes) if changes else _COUNT
    session.execute(count, {"job_": claimed.job_id, "name_": claimed.name.value, "seconds_": seconds})
    mine = {"stage_": claimed.stage_id, "token_": claimed.token}
    if _changed(session, _END, {**mine, "output_": output}):
        return True
    status = session.scalar(select(Stage.status).where(*_MINE), mine)
    if status is not WorkStatus.DONE:
        raise LeaseLostError
    session.rollback()
    return False


def count_done(job: Job, name: StageName, seconds: float = 0) -> None:
    """Enter one finished stage into its locked job's counters."""
    job.stages_done += 1
    job.version += 1
    add_seconds(job, name, seconds)


def add_seconds(job: Job, name: StageName, seconds: float) -> None:
    """Add compute time to a locked job's account of a stage."""
    spent = float(job.stage_seconds.get(name.value, 0))
    job.stage_seconds = {**job.stage_seconds, name.value: round(spent + seconds, 4)}


def make_ready(session: Session, segment: Segment, name: StageName) -> None:
    """Make a waiting stage ready; its message counts as sent by the chain."""
    session.execute(_MAKE_READY, {"key_": segment.id, "name_": name})


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


def _changed(session: Session, statement: Any, values: Mapping[str, Any] | None = None) -> bool:
    return cast("CursorResult[Any]", session.execute(statement, values)).rowcount > 0
