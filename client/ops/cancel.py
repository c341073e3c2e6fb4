"""``avemotion ops cancel``: end open jobs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from client.ops.selection import JobIds, OlderThan, Owner, Yes, no_such_job, posted_before, told_apart
from client.ops.service import Service, open_service
from client.ops.words import ask, number
from client.render.text import printable
from shared.database import transact
from shared.errors import AvemotionError
from shared.lifecycle import cancel_job, cancel_jobs, in_steps, lock_job
from shared.tables import Job, JobStatus


class OpenStatus(StrEnum):
    """States in which a job can be cancelled."""

    QUEUED = JobStatus.QUEUED.value
    RUNNING = JobStatus.RUNNING.value


def cancel(
    job: JobIds = None,
    *,
    status: Annotated[
        list[OpenStatus] | None, typer.Option(help="All in this state; may be repeated.")
    ] = None,
    older_than: OlderThan = None,
    owner: Owner = None,
    yes: Yes = False,
) -> None:
    """Cancel open jobs, as `POST /jobs/{id}/cancel` does: their work stops within seconds.

    What is posted meanwhile is left alone. Exit status: 1 if a job that was named cannot be cancelled.
    """
    named = told_apart(
        job, filters={"--status": tuple(status or ()), "--older-than": older_than, "--owner": owner}
    )
    with open_service() as service:
        if named:
            ask(len(named), f"{number(len(named), 'job')} would be cancelled. Go on?", yes=yes)
            _cancel_named(service, named)
            return
        states = [JobStatus(each.value) for each in status or OpenStatus]
        condition: ColumnElement[bool] = Job.status.in_(states)
        if older_than is not None:
            condition &= posted_before(older_than)
        if owner is not None:
            condition &= Job.owner_id == owner
        moment, found = transact(service.engine, lambda session: count_jobs(session, condition))
        ask(found, f"{number(found, 'job')} would be cancelled. Go on?", yes=yes)
        _tell(cancel_all(service, condition & (Job.created_at <= moment)))


def count_jobs(session: Session, condition: ColumnElement[bool]) -> tuple[datetime, int]:
    """Return the time of the database, and how many jobs meet a condition then."""
    count = select(func.count()).select_from(Job).where(condition, Job.deleted_at.is_(None))
    return session.scalars(select(func.now())).one(), session.scalars(count).one()


def cancel_all(service: Service, condition: ColumnElement[bool]) -> int:
    """Cancel all open jobs that meet a condition, some at a time; return how many."""
    done: set[uuid.UUID] = set()

    def step(session: Session, job_ids: Sequence[uuid.UUID]) -> None:
        cancel_jobs(session, job_ids, service.settings)
        # A set: a step may be done again.
        done.update(job_ids)

    in_steps(service.engine, condition, step)
    return len(done)


def cancel_one(session: Session, job_id: uuid.UUID, service: Service) -> None:
    """Cancel a job; one that is cancelled already stays so.

    Raises:
        AvemotionError: There is no such job, or it has succeeded or failed.
    """
    job = lock_job(session, job_id)
    if job is None or job.deleted_at is not None:
        raise no_such_job(job_id)
    cancel_job(session, job, service.settings)


def _cancel_named(service: Service, named: Sequence[uuid.UUID]) -> None:
    cancelled = 0
    for job_id in named:
        try:
            transact(service.engine, lambda session: cancel_one(session, job_id, service))  # noqa: B023 - at once
        except AvemotionError as error:
            typer.echo(f"{job_id}: {printable(error.message)}", err=True)
        else:
            cancelled += 1
    _tell(cancelled)
    if cancelled < len(named):
        raise typer.Exit(1)


def _tell(cancelled: int) -> None:
    typer.echo(f"{number(cancelled, 'job is', 'jobs are')} cancelled.", err=True)
