"""The claim protocol of stages: claim, renew, finish, give back, fail.

A claim is one conditional UPDATE under the job's row lock. It takes a lease in database time and
raises the row's token; every later write is conditional on that token. So a stage that is delivered
twice runs twice at worst, and is written once.

What goes on inside a job is not waited for until it is on disk: a database that crashes may forget the last
claims and results, and they are made again. A job's end is waited for (``shared/lifecycle.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    JSON,
    ColumnElement,
    CursorResult,
    Float,
    Integer,
    Interval,
    Numeric,
    Table,
    Text,
    Update,
    and_,
    bindparam,
    case,
    func,
    literal,
    null,
    or_,
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

# The same token for two claims would be the one harm of a forgotten claim; 2**31 is far away still.
LEAP = 2**16


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


# Statements are built once: to build one takes longer than to run it. Where no objects are wanted they are of
# the tables, not of their classes: the ORM's part takes longer than the rest. The first of each change locks
# the job.
_JOBS, _STAGES = cast("Table", Job.__table__), cast("Table", Stage.__table__)
_JOB, _STAGE = _JOBS.c, _STAGES.c
_LEASE_UNTIL = func.now() + bindparam("lease_", type_=Interval)


def next_token(token: ColumnElement[int]) -> ColumnElement[int]:
    """Return a token above ``token`` that no other claim has, not even one that a crash made forgotten."""
    return token + 1 + cast_to(func.floor(func.random() * LEAP), Integer)


def _lease(*conditions: ColumnElement[bool]) -> ReturningUpdate[UUID, UUID | None, int]:
    return (
        update(_STAGES)
        .where(*conditions)
        .values(
            status=WorkStatus.LEASED,
            token=next_token(_STAGE.token),
            lease_until=_LEASE_UNTIL,
            not_before=None,
        )
        .returning(_STAGE.id, _STAGE.segment_id, _STAGE.token)
    )


_INGEST = (_STAGE.job_id == bindparam("key_"), _STAGE.segment_id.is_(None), _STAGE.name == bindparam("name_"))
_OF_SEGMENT = (_STAGE.segment_id == bindparam("key_"), _STAGE.name == bindparam("name_"))
_READY = (_STAGE.status == WorkStatus.READY, due(_STAGE))
_OPEN = _STAGE.status.in_((WorkStatus.WAITING, WorkStatus.READY))
_BEGIN_JOB = _begin(Job.id == bindparam("key_"))
_BEGIN_JOB_OF_SEGMENT = _begin(
    Job.id == select(Segment.job_id).where(Segment.id == bindparam("key_")).scalar_subquery()
)
_LEASE_INGEST = _lease(*_INGEST, *_READY)
_LEASE = _lease(*_OF_SEGMENT, *_READY)
_LEASE_FOLLOWING = _lease(*_OF_SEGMENT, _OPEN)
_SECONDS = cast_to(_JOB.stage_seconds, JSONB)
_COUNT = (
    update(_JOBS)
    .where(_JOB.id == bindparam("job_"))
    .values(
        stages_done=_JOB.stages_done + 1,
        version=_JOB.version + 1,
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
)


@cache
def _count(changed: frozenset[str]) -> Update:
    """Return the statement that counts a stage in its job and changes columns of these names."""
    return _COUNT.values({name: bindparam(f"{name}_", type_=_JOB[name].type) for name in changed})


_MINE = and_(_STAGE.id == bindparam("stage_"), _STAGE.token == bindparam("token_"))
_STATUS = select(_STAGE.status).where(_MINE)
_HELD = and_(_MINE, _STAGE.status == WorkStatus.LEASED)
_OUTPUT = bindparam("output_", type_=JSON)
_END = (
    update(_STAGES)
    .where(_HELD)
    .values(status=WorkStatus.DONE, lease_until=None, output=_OUTPUT)
    .returning(_STAGE.id, _STAGE.token)
)
_FOLLOWING = and_(*_OF_SEGMENT, _OPEN)
_END_AND = (
    update(_STAGES)
    .where(or_(_HELD, _FOLLOWING))
    .values(output=case((_MINE, _OUTPUT), else_=_STAGE.output))
    .returning(_STAGE.id, _STAGE.token)
)


def _either(ended: Any, following: Any) -> Any:
    return case((_MINE, ended), else_=following)


_STATE = _STAGE.status.type
_END_AND_LEASE = _END_AND.values(
    status=_either(literal(WorkStatus.DONE, _STATE), literal(WorkStatus.LEASED, _STATE)),
    lease_until=_either(null(), _LEASE_UNTIL),
    token=_either(_STAGE.token, next_token(_STAGE.token)),
    not_before=_either(_STAGE.not_before, null()),
)
_END_AND_MAKE_READY = _END_AND.values(
    status=_either(literal(WorkStatus.DONE, _STATE), literal(WorkStatus.READY, _STATE)),
    lease_until=null(),
    published_at=_either(_STAGE.published_at, func.now()),
)


def claim(session: Session, name: StageName, key: UUID, lease_s: float) -> tuple[Claim, Job] | Refusal:
    """Claim a stage: of the job ``key`` for ``ingest``, of the segment ``key`` for all others.

    Returns the claim and its job, or why not: the transaction is rolled back then.
    """
    ingest = name is StageName.INGEST
    begin, lease = (_BEGIN_JOB, _LEASE_INGEST) if ingest else (_BEGIN_JOB_OF_SEGMENT, _LEASE)
    of_stage = {"key_": key, "name_": name}
    job = session.scalars(begin, {"key_": key, "stage_": name.value}).one_or_none()
    connection = session.connection()
    row = connection.execute(lease, {**of_stage, "lease_": timedelta(seconds=lease_s)}).one_or_none()
    if job is None or row is None:
        status = connection.scalar(
            select(_STAGE.status).where(*(_INGEST if ingest else _OF_SEGMENT)), of_stage
        )
        session.rollback()
        return Refusal.DONE if status is WorkStatus.DONE else Refusal.BUSY
    return Claim(row.id, job.id, row.segment_id, name, row.token), job


def claim_following(session: Session, segment: Segment, name: StageName, lease_s: float) -> Claim | None:
    """Claim the first stage of a segment that was inserted in this transaction.

    No message is sent for it: the process that inserted it goes on with it. ``None`` where the job has ended
    meanwhile.
    """
    values = {"key_": segment.id, "name_": name, "lease_": timedelta(seconds=lease_s)}
    row = session.connection().execute(_LEASE_FOLLOWING, values).one_or_none()
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


@dataclass(frozen=True)
class Ended:
    """A stage that has been run, and what is to be written of it.

    Attributes:
        claim: The right to do so.
        output: Of the stage.
        seconds: That it took.
        changes: Values of the job's columns.
    """

    claim: Claim
    output: Mapping[str, Any]
    seconds: float
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Following:
    """The stage of a segment that comes after another.

    Attributes:
        segment_id: Whose.
        name: Which.
        lease_s: For how long it is leased to the process that finished the one before, which goes on with it.
            ``None`` makes it ready for anybody; its message counts as sent by the chain.
    """

    segment_id: UUID
    name: StageName
    lease_s: float | None = None


def finish(session: Session, ended: Ended, following: Following | None = None) -> Claim | Refusal | None:
    """Write a stage's result, and let what follows begin.

    Args:
        session: A transaction; the job is locked in it from here on.
        ended: The stage.
        following: The stage of its segment that comes next, if one does.

    Returns:
        The claim of ``following`` if it is leased. ``Refusal.DONE`` if an earlier try of this very commit
        went through though its answer was lost: the transaction is rolled back then.

    Raises:
        LeaseLostError: Another has the stage by now, or the job has ended: nothing may be written.
    """
    claimed, connection = ended.claim, session.connection()
    changes = {f"{name}_": value for name, value in ended.changes.items()}
    of_job = {"job_": claimed.job_id, "name_": claimed.name, "seconds_": ended.seconds}
    connection.execute(_count(frozenset(ended.changes)), {**of_job, **changes})
    mine = {"stage_": claimed.stage_id, "token_": claimed.token}
    values = {**mine, "output_": ended.output}
    if following is None:
        rows = connection.execute(_END, values).all()
    else:
        values |= {"key_": following.segment_id, "name_": following.name}
        if following.lease_s is None:
            rows = connection.execute(_END_AND_MAKE_READY, values).all()
        else:
            values["lease_"] = timedelta(seconds=following.lease_s)
            rows = connection.execute(_END_AND_LEASE, values).all()
    tokens = {row.id: row.token for row in rows}
    if claimed.stage_id not in tokens:
        if connection.scalar(_STATUS, mine) is not WorkStatus.DONE:
            raise LeaseLostError
        session.rollback()
        return Refusal.DONE
    del tokens[claimed.stage_id]
    if following is None or following.lease_s is None:
        return None
    return next(
        (
            Claim(stage_id, claimed.job_id, following.segment_id, following.name, token)
            for stage_id, token in tokens.items()
        ),
        None,
    )


def count_done(job: Job, name: StageName, seconds: float = 0) -> None:
    """Enter one finished stage into its locked job's counters."""
    job.stages_done += 1
    job.version += 1
    add_seconds(job, name, seconds)


def add_seconds(job: Job, name: StageName, seconds: float) -> None:
    """Add compute time to a locked job's account of a stage."""
    spent = float(job.stage_seconds.get(name.value, 0))
    job.stage_seconds = {**job.stage_seconds, name.value: round(spent + seconds, 4)}


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
