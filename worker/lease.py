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
    Select,
    Table,
    Text,
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
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.dml import ReturningUpdate

from shared.backlog import due
from shared.settings import Settings
from shared.tables import Job, JobStatus, Segment, Stage, StageName, WorkStatus
from worker.pulse import LeaseLostError

# The same token for two claims would be the one harm of a forgotten claim; 2**31 is far away still.
LEAP = 2**16
FIRST_TOKEN = 1
"""Of a stage that is leased as soon as it is there: no crash can have made a claim of its forgotten."""


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


# Statements are built once: to build one takes longer than to run it. Where no objects are wanted they are of
# the tables, not of their classes: the ORM's part takes longer than the rest.
#
# Each is one change of the job and, joined to what that returns, one of its stages: the job is locked first,
# and a stage that changed while the lock was waited for is looked at again as it is by then.
_JOBS, _STAGES = cast("Table", Job.__table__), cast("Table", Stage.__table__)
_JOB, _STAGE = _JOBS.c, _STAGES.c
_LEASE_UNTIL = func.now() + bindparam("lease_", type_=Interval)


def next_token(token: ColumnElement[int]) -> ColumnElement[int]:
    """Return a token above ``token`` that no other claim has, not even one that a crash made forgotten."""
    return token + 1 + cast_to(func.floor(func.random() * LEAP), Integer)


def _claim(owner: ColumnElement[bool], *stage: ColumnElement[bool]) -> Select[Any]:
    """Return the statement that begins a job of which a stage is ready, and leases that stage."""
    running = case(
        (_JOB.status == JobStatus.QUEUED, literal(JobStatus.RUNNING, _JOB.status.type)), else_=_JOB.status
    )
    begun = (
        update(_JOBS)
        .where(owner)
        .values(
            status=running,
            started_at=func.coalesce(_JOB.started_at, func.now()),
            stage=bindparam("stage_"),
            version=_JOB.version + 1,
        )
        .returning(_JOBS)
        .cte("begun")
    )
    leased = (
        update(_STAGES)
        .where(_STAGE.job_id == begun.c.id, *stage, _STAGE.status == WorkStatus.READY, due(_STAGE))
        .values(
            status=WorkStatus.LEASED,
            token=next_token(_STAGE.token),
            lease_until=_LEASE_UNTIL,
            not_before=None,
        )
        .returning(_STAGE.id, _STAGE.job_id, _STAGE.segment_id, _STAGE.token)
        .cte("leased")
    )
    row = (leased.c.id.label("stage_id"), leased.c.segment_id, leased.c.token)
    return select(aliased(Job, begun), *row).join(leased, leased.c.job_id == begun.c.id)


_INGEST = (_STAGE.job_id == bindparam("key_"), _STAGE.segment_id.is_(None), _STAGE.name == bindparam("name_"))
_OF_SEGMENT = (_STAGE.segment_id == bindparam("key_"), _STAGE.name == bindparam("name_"))
_JOB_OF_SEGMENT = select(Segment.job_id).where(Segment.id == bindparam("key_")).scalar_subquery()
_CLAIM_INGEST = _claim(_JOB.id == bindparam("key_"), *_INGEST)
_CLAIM = _claim(_JOB.id == _JOB_OF_SEGMENT, *_OF_SEGMENT)
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
                    bindparam("done_", type_=Text),
                    func.round(
                        func.coalesce(cast_to(_SECONDS[bindparam("done_", type_=Text)].astext, Numeric), 0)
                        + cast_to(bindparam("seconds_", type_=Float), Numeric),
                        4,
                    ),
                )
            ),
            JSON,
        ),
    )
    .returning(_JOB.id)
)
_MINE = and_(_STAGE.id == bindparam("id_"), _STAGE.token == bindparam("token_"))
_STATUS = select(_STAGE.status).where(_MINE)
_HELD = and_(_MINE, _STAGE.status == WorkStatus.LEASED)
_OUTPUT = bindparam("output_", type_=JSON)
_FOLLOWING = and_(*_OF_SEGMENT, _STAGE.status.in_((WorkStatus.WAITING, WorkStatus.READY)))
_STATE = _STAGE.status.type


class _Then(Enum):
    """What becomes of the stage after one that ends."""

    NOTHING = "nothing"
    READY = "ready"
    LEASED = "leased"


def _either(ended: Any, following: Any) -> Any:
    return case((_MINE, ended), else_=following)


_END: dict[_Then, tuple[ColumnElement[bool], dict[str, Any]]] = {
    _Then.NOTHING: (_HELD, {"status": WorkStatus.DONE, "lease_until": null(), "output": _OUTPUT}),
    _Then.READY: (
        or_(_HELD, _FOLLOWING),
        {
            "status": _either(literal(WorkStatus.DONE, _STATE), literal(WorkStatus.READY, _STATE)),
            "lease_until": null(),
            "published_at": _either(_STAGE.published_at, func.now()),
            "output": _either(_OUTPUT, _STAGE.output),
        },
    ),
    _Then.LEASED: (
        or_(_HELD, _FOLLOWING),
        {
            "status": _either(literal(WorkStatus.DONE, _STATE), literal(WorkStatus.LEASED, _STATE)),
            "lease_until": _either(null(), _LEASE_UNTIL),
            "token": _either(_STAGE.token, next_token(_STAGE.token)),
            "not_before": _either(_STAGE.not_before, null()),
            "output": _either(_OUTPUT, _STAGE.output),
        },
    ),
}


@cache
def _finish(then: _Then, changed: frozenset[str]) -> ReturningUpdate[UUID, int]:
    """Return the statement that ends a stage, and counts it in its job, with changes of these columns."""
    changes = {name: bindparam(f"{name}_", type_=_JOB[name].type) for name in changed}
    counted = _COUNT.values(changes).cte("counted")
    which, values = _END[then]
    return (
        update(_STAGES)
        .where(_STAGE.job_id == counted.c.id, which)
        .values(values)
        .returning(_STAGE.id, _STAGE.token)
    )


def claim(session: Session, name: StageName, key: UUID, lease_s: float) -> tuple[Claim, Job] | Refusal:
    """Claim a stage: of the job ``key`` for ``ingest``, of the segment ``key`` for all others.

    Returns the claim and its job, or why not: the transaction is rolled back then.
    """
    ingest = name is StageName.INGEST
    of_stage = {"key_": key, "name_": name}
    values = {**of_stage, "stage_": name.value, "lease_": timedelta(seconds=lease_s)}
    row = session.execute(_CLAIM_INGEST if ingest else _CLAIM, values).one_or_none()
    if row is None:
        status = session.scalar(select(_STAGE.status).where(*(_INGEST if ingest else _OF_SEGMENT)), of_stage)
        session.rollback()
        return Refusal.DONE if status is WorkStatus.DONE else Refusal.BUSY
    job = row[0]
    return Claim(row.stage_id, job.id, row.segment_id, name, row.token), job


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
    mine = {"id_": claimed.stage_id, "token_": claimed.token}
    values = {
        **mine,
        "job_": claimed.job_id,
        "done_": claimed.name,
        "seconds_": ended.seconds,
        "output_": ended.output,
        **{f"{name}_": value for name, value in ended.changes.items()},
    }
    then = _Then.NOTHING
    if following is not None:
        then = _Then.READY
        values |= {"key_": following.segment_id, "name_": following.name}
        if following.lease_s is not None:
            then = _Then.LEASED
            values["lease_"] = timedelta(seconds=following.lease_s)
    rows = connection.execute(_finish(then, frozenset(ended.changes)), values)
    tokens = {row.id: row.token for row in rows}
    if tokens.pop(claimed.stage_id, None) is None:
        if connection.scalar(_STATUS, mine) is not WorkStatus.DONE:
            raise LeaseLostError
        session.rollback()
        return Refusal.DONE
    if following is None or then is not _Then.LEASED or not tokens:
        return None
    stage_id, token = tokens.popitem()
    return Claim(stage_id, claimed.job_id, following.segment_id, following.name, token)


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
