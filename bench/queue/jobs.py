"""Jobs laid out in the tables and the broker, and how far they have come."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

from celery import Celery
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from shared.database import transact
from shared.lifecycle import open_jobs
from shared.queue import broker, ingest_message, publish, queue_lengths
from shared.settings import Settings
from shared.tables import ENDED, Job, JobStatus, Priority

STEP = 500
LOOK_EVERY_S = 0.1
UNACKED = "unacked"


def lay_out(engine: Engine, app: Celery, count: int, settings: Settings) -> None:
    """Write so many jobs of no media, and send their messages."""
    for start in range(0, count, STEP):
        number = min(STEP, count - start)
        ids = transact(engine, lambda session: _insert(session, number, settings))  # noqa: B023 - called at once
        for job_id in ids:
            if not publish(ingest_message(app, job_id, Priority.BULK)):
                raise ConnectionError("the broker did not take a message")


def _insert(session: Session, number: int, settings: Settings) -> list[UUID]:
    jobs = [
        Job(
            request_sha256="",
            fusion="early",
            analyzer=settings.analyzer,
            model=settings.model,
            window_s=settings.window_s,
            stride_s=settings.window_s,
            priority=Priority.BULK,
        )
        for _ in range(number)
    ]
    open_jobs(session, jobs)
    return [job.id for job in jobs]


def count_by_status(engine: Engine) -> dict[JobStatus, int]:
    """Return how many jobs there are in each state."""
    with Session(engine) as session:
        return dict(session.execute(select(Job.status, func.count()).group_by(Job.status)).tuples().all())


def open_count(engine: Engine) -> int:
    """Return how many jobs have not ended."""
    with Session(engine) as session:
        return session.scalar(select(func.count()).where(Job.status.not_in(ENDED))) or 0


def message_count(settings: Settings) -> int:
    """Return how many messages wait or are held by a worker."""
    return sum(queue_lengths(settings).values()) + int(broker(settings).hlen(UNACKED))  # type: ignore[arg-type]  # typed for async too


def await_none(left: Callable[[], int], limit_s: float) -> None:
    """Return when nothing is left.

    Raises:
        TimeoutError: Something still is after ``limit_s``.
    """
    until = time.monotonic() + limit_s
    while number := left():
        if time.monotonic() > until:
            raise TimeoutError(f"{number} are left after {limit_s:g} s")
        time.sleep(LOOK_EVERY_S)
