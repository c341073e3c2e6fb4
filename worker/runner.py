"""Running one stage: claim, work under a heartbeat, commit; or fail in the right way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from billiard.exceptions import SoftTimeLimitExceeded
from celery.exceptions import Ignore
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared.database import transact
from shared.errors import AvemotionError, ErrorCode, TransientError
from shared.lifecycle import end_job, lock_job
from shared.tables import Job, JobStatus, StageName
from worker.assignment import Assignment, read_assignment
from worker.lease import Claim, Refusal, claim, finish, give_back, renew
from worker.pulse import LeaseLostError, Pulse
from worker.toolkit import Toolkit, toolkit

log = structlog.stdlib.get_logger(__name__)

# What may pass by itself: the database, storage, memory, a network.
PASSING = (TransientError, DBAPIError, OSError, MemoryError)


def _nothing_more(_session: Session, _job: Job) -> None:
    return None


@dataclass(frozen=True)
class Result:
    """What a stage made: its output for later stages, and what else its commit writes."""

    output: dict[str, Any]
    write: Callable[[Session, Job], None] = field(default=_nothing_more)


Work = Callable[[Assignment, Toolkit, Callable[[], None]], Result]


def run_stage(name: StageName, key: UUID, work: Work) -> None:
    """Run ``work`` for the stage ``name`` of segment (or, for ingest, job) ``key``.

    Returns normally when the stage is done, whoever did it: the chain goes on.

    Raises:
        Ignore: There is nothing to do for this message, and nothing may follow it.
    """
    kit = toolkit()
    taken = transact(kit.engine, lambda session: _take(session, name, key, kit))
    if taken is Refusal.DONE:
        return
    if isinstance(taken, Refusal):
        raise Ignore
    ids = {"job_id": str(taken.claim.job_id)}
    if taken.claim.segment_id is not None:
        ids["segment_id"] = str(taken.claim.segment_id)
    with structlog.contextvars.bound_contextvars(**ids, stage=name.value):
        _run(taken, work, kit)


def _take(session: Session, name: StageName, key: UUID, kit: Toolkit) -> Assignment | Refusal:
    claimed = claim(session, name, key, kit.settings.lease_s)
    return claimed if isinstance(claimed, Refusal) else read_assignment(session, claimed)


def _run(assignment: Assignment, work: Work, kit: Toolkit) -> None:
    claimed, lease_s = assignment.claim, kit.settings.lease_s

    def beat() -> bool:
        return transact(kit.engine, lambda session: renew(session, claimed, lease_s))

    with Pulse(beat, lease_s) as pulse:
        started = time.perf_counter()
        try:
            result = work(assignment, kit, pulse.checkpoint)
            seconds = time.perf_counter() - started
            transact(
                kit.engine,
                lambda session: _commit(session, claimed, result, seconds),
                patience_s=kit.settings.lease_s * 2,
            )
        except LeaseLostError:
            kit.storage.delete_tree(assignment.prefix)
            log.info("stage given up: its job ended or another has it")
            raise Ignore from None
        except AvemotionError as error:
            _fail(claimed, kit, error.code, error.message)
            raise Ignore from None
        except SoftTimeLimitExceeded:
            limit_s = kit.settings.stage_time_limit_s
            _fail(
                claimed, kit, ErrorCode.TIMEOUT, f"The {claimed.name} stage took longer than {limit_s:g} s."
            )
            raise Ignore from None
        except Exception as error:  # noqa: BLE001 - whatever it is, the job must end in a typed error
            _try_again(assignment, kit, error)
            raise Ignore from None
        log.info("stage done", seconds=round(seconds, 3))


def _commit(session: Session, claimed: Claim, result: Result, seconds: float) -> None:
    job = finish(session, claimed, result.output, seconds)
    if job is not None:
        result.write(session, job)


def _fail(claimed: Claim, kit: Toolkit, code: ErrorCode, message: str) -> None:
    log.info("job failed", code=code.code)
    patience_s = kit.settings.lease_s * 2
    transact(kit.engine, lambda s: fail_claimed(s, claimed, kit, code, message), patience_s=patience_s)


def fail_claimed(session: Session, claimed: Claim, kit: Toolkit, code: ErrorCode, message: str) -> None:
    """End the job of a claim that still stands with a typed error."""
    job = lock_job(session, claimed.job_id)
    if job is not None and not job.status.ended and renew(session, claimed, kit.settings.lease_s):
        end_job(session, job, JobStatus.FAILED, kit.settings, error=(code, message))


def _try_again(assignment: Assignment, kit: Toolkit, error: Exception) -> None:
    """Give the stage back for another try, or fail the job when it has had its tries."""
    passing = isinstance(error, PASSING)
    # A bug shows its traceback in the log, and nowhere else.
    log.warning("stage failed", error=type(error).__name__, passing=passing, exc_info=not passing)
    patience_s = kit.settings.lease_s * 2
    kit.storage.delete_tree(assignment.prefix)
    if not transact(
        kit.engine, lambda s: give_back(s, assignment.claim, kit.settings), patience_s=patience_s
    ):
        code = ErrorCode.SERVICE_UNAVAILABLE if passing else ErrorCode.INTERNAL_ERROR
        message = (
            f"The {assignment.claim.name} stage failed {kit.settings.max_retries + 1} times; "
            "the operator finds the cause in the worker's log."
        )
        _fail(assignment.claim, kit, code, message)
