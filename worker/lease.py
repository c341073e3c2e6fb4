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
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, func, select, update
from sqlalchemy.orm import Session

from shared.settings import Settings
from shared.tables import Job, Stage, StageName, WorkStatus
from worker.lease_statements import CLAIM, CLAIM_INGEST, INGEST_STATUS, OWN_STATUS, STATUS, Then, ending
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


def claim(session: Session, name: StageName, key: UUID, lease_s: float) -> tuple[Claim, Job] | Refusal:
    """Claim a stage: of the job ``key`` for ``ingest``, of the segment ``key`` for all others.

    Returns the claim and its job, or why not: the transaction is rolled back then.
    """
    of_ingest = name is StageName.INGEST
    take, look = (CLAIM_INGEST, INGEST_STATUS) if of_ingest else (CLAIM, STATUS)
    of_stage = {"key_": key, "name_": name}
    values = {**of_stage, "stage_": name.value, "lease_": timedelta(seconds=lease_s)}
    row = session.execute(take, values).one_or_none()
    if row is None:
        status = session.scalar(look, of_stage)
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
    then = Then.NOTHING
    if following is not None:
        then = Then.READY
        values |= {"key_": following.segment_id, "name_": following.name}
        if following.lease_s is not None:
            then = Then.LEASED
            values["lease_"] = timedelta(seconds=following.lease_s)
    rows = connection.execute(ending(then, frozenset(ended.changes)), values)
    tokens = {row.id: row.token for row in rows}
    if tokens.pop(claimed.stage_id, None) is None:
        if connection.scalar(OWN_STATUS, mine) is not WorkStatus.DONE:
            raise LeaseLostError
        session.rollback()
        return Refusal.DONE
    if following is None or then is not Then.LEASED or not tokens:
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
