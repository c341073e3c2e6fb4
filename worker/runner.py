"""Running one stage: claim, work under a heartbeat, commit and claim the next; or fail in the right way."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from celery.exceptions import Ignore
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared.database import transact
from shared.errors import AvemotionError, ErrorCode, TransientError
from shared.lifecycle import end_job, lock_job
from shared.tables import Job, JobStatus, StageName
from worker.assignment import Assignment, read_assignment
from worker.lease import (
    Claim,
    Ended,
    Following,
    Refusal,
    claim,
    finish,
    give_back,
    renew,
)
from worker.metrics.stages import observed
from worker.pulse import LeaseLostError, Pulse
from worker.segments import Cut, insert_segments
from worker.time_limit import TimeLimitError, time_limit
from worker.toolkit import Toolkit, toolkit
from worker.tracing import traced

log = structlog.stdlib.get_logger(__name__)

# What may pass by itself: the database, storage, memory, a network.
PASSING = (TransientError, DBAPIError, OSError, MemoryError)


def _nothing_more(_session: Session) -> None:
    return None


@dataclass(frozen=True)
class Result:
    """What a stage made.

    Attributes:
        output: Facts for later stages.
        changes: Values of the job's columns.
        write: What else its commit writes.
        cut: The segments that it cuts the job into, where it does.
    """

    output: dict[str, Any]
    changes: Mapping[str, Any] = field(default_factory=dict)
    write: Callable[[Session], None] = field(default=_nothing_more)
    cut: Cut | None = None


class Done(NamedTuple):
    """A stage that has been run, and its result is not written yet."""

    assignment: Assignment
    result: Result
    seconds: float


Work = Callable[[Assignment, Toolkit, Callable[[], None]], Result]
Stays = Callable[[StageName, Job], bool]
"""Whether this process goes on with a stage of a job by itself."""


def take_stage(name: StageName, key: UUID) -> Assignment | None:
    """Claim the stage ``name`` of segment (or, for ingest, job) ``key``.

    Returns ``None`` where somebody has done it already: the chain goes on.

    Raises:
        Ignore: There is nothing to do for this message, and nothing may follow it.
    """
    kit = toolkit()
    taken = transact(kit.engine, lambda session: _take(session, name, key, kit))
    if taken is Refusal.DONE:
        return None
    if isinstance(taken, Refusal):
        raise Ignore
    return taken


def _take(session: Session, name: StageName, key: UUID, kit: Toolkit) -> Assignment | Refusal:
    taken = claim(session, name, key, kit.settings.lease_s)
    return taken if isinstance(taken, Refusal) else read_assignment(session, *taken)


def run_stage(assignment: Assignment, work: Work, stays: Stays) -> Assignment | None:
    """Run ``work`` for a claimed stage.

    Returns the stage that follows, claimed in the transaction that wrote this one's result, if ``stays``
    says that this process goes on with it.

    Raises:
        Ignore: The stage is not done, and nothing may follow it.
    """
    claimed = assignment.claim
    ids = {"job_id": str(claimed.job_id)}
    if claimed.segment_id is not None:
        ids["segment_id"] = str(claimed.segment_id)
    kit = toolkit()
    bound = structlog.contextvars.bound_contextvars(**ids, stage=claimed.name.value)
    with bound, traced(assignment, kit), observed(claimed.name):
        return _run(assignment, work, stays, kit)


def _run(assignment: Assignment, work: Work, stays: Stays, kit: Toolkit) -> Assignment | None:
    claimed, lease_s = assignment.claim, kit.settings.lease_s

    def beat() -> bool:
        return transact(kit.engine, lambda session: renew(session, claimed, lease_s))

    soft_s, hard_s = kit.settings.stage_time_limit_s, kit.settings.stage_hard_limit_s

    def last_words() -> None:
        # Without them the lease would run out three times at full length and end in `worker_lost`.
        message = f"The {claimed.name} stage took longer than {hard_s:g} s and was stopped."
        _fail(claimed, kit, ErrorCode.TIMEOUT, message)

    with Pulse(beat, lease_s) as pulse:
        started = time.perf_counter()
        try:
            with time_limit(soft_s, hard_s, last_words):
                result = work(assignment, kit, pulse.checkpoint)
            seconds = time.perf_counter() - started
            following = transact(
                kit.engine,
                lambda session: _commit(session, Done(assignment, result, seconds), stays, lease_s),
                patience_s=kit.settings.lease_s * 2,
            )
        except LeaseLostError:
            _clean_up(assignment, kit)
            log.info("stage given up: its job ended or another has it")
            raise Ignore from None
        except AvemotionError as error:
            _fail(claimed, kit, error.code, error.message)
            raise Ignore from None
        except TimeLimitError:
            _fail(claimed, kit, ErrorCode.TIMEOUT, f"The {claimed.name} stage took longer than {soft_s:g} s.")
            raise Ignore from None
        except Exception as error:  # noqa: BLE001 - whatever it is, the job must end in a typed error
            _try_again(assignment, kit, error)
            raise Ignore from None
        log.info("stage done", seconds=round(seconds, 3))
        return following


def _commit(session: Session, done: Done, stays: Stays, lease_s: float) -> Assignment | None:
    assignment, result = done.assignment, done.result
    claimed, job = assignment.claim, assignment.job
    names = result.cut.stages if result.cut else assignment.ahead
    onward = stays(names[0], job)
    # Windows are in the model's hands as soon as they are ready.
    begun = {"stage": names[0].value} if onward or names[0] is StageName.INFERENCE else {}
    ended = Ended(claimed, result.output, done.seconds, {**begun, **result.changes})
    next_lease_s = lease_s if onward else None
    following = None if result.cut else Following(assignment.span.id, names[0], next_lease_s)
    next_claim = finish(session, ended, following)
    if next_claim is Refusal.DONE:
        return None
    result.write(session)
    segment, windows = assignment.segment, assignment.windows
    if result.cut:
        segments, next_claim = insert_segments(session, job, result.cut, next_lease_s)
        segment, windows = segments[0], result.cut.plans[0].windows
    if not isinstance(next_claim, Claim):
        return None
    outputs = {**assignment.outputs, claimed.name: result.output}
    return replace(
        assignment, claim=next_claim, segment=segment, windows=windows, outputs=outputs, ahead=names[1:]
    )


def _fail(claimed: Claim, kit: Toolkit, code: ErrorCode, message: str) -> None:
    log.info("job failed", code=code.code)
    patience_s = kit.settings.lease_s * 2
    transact(kit.engine, lambda s: fail_claimed(s, claimed, kit, code, message), patience_s=patience_s)


def fail_claimed(session: Session, claimed: Claim, kit: Toolkit, code: ErrorCode, message: str) -> None:
    """End the job of a claim that still stands with a typed error."""
    job = lock_job(session, claimed.job_id)
    if job is not None and not job.status.ended and renew(session, claimed, kit.settings.lease_s):
        end_job(session, job, JobStatus.FAILED, kit.settings, error=(code, message))


def _clean_up(assignment: Assignment, kit: Toolkit) -> None:
    """Remove what a try has written; what cannot be removed now goes when its job has ended."""
    try:
        kit.storage.delete_tree(assignment.prefix)
    except OSError as error:
        # It may be why the try failed: giving the stage back must not fail by it too.
        log.warning("files of a try left", error=type(error).__name__)


def _try_again(assignment: Assignment, kit: Toolkit, error: Exception) -> None:
    """Give the stage back for another try, or fail the job when it has had its tries."""
    passing = isinstance(error, PASSING)
    # A bug shows its traceback in the log, and nowhere else.
    log.warning("stage failed", error=type(error).__name__, passing=passing, exc_info=not passing)
    patience_s = kit.settings.lease_s * 2
    _clean_up(assignment, kit)
    if not transact(
        kit.engine, lambda s: give_back(s, assignment.claim, kit.settings), patience_s=patience_s
    ):
        code = ErrorCode.SERVICE_UNAVAILABLE if passing else ErrorCode.INTERNAL_ERROR
        message = (
            f"The {assignment.claim.name} stage failed {kit.settings.max_retries + 1} times; "
            "the operator finds the cause in the worker's log."
        )
        _fail(assignment.claim, kit, code, message)
