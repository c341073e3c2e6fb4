"""``avemotion ops requeue``: failed jobs anew, and messages that got lost once more."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, cast

import typer
from sqlalchemy import ColumnElement, CursorResult, func, select, update
from sqlalchemy.orm import Session

from client.ops.selection import Code, JobIds, Yes, ended_since, no_such_job, told_apart
from client.ops.service import Service, open_service, plain_storage_errors
from client.ops.words import ask, number, read_age
from client.render.text import printable
from shared.backlog import due, has_work, overdue
from shared.database import transact
from shared.errors import AvemotionError
from shared.lifecycle import lock_job, restart_job
from shared.retrying import keep_longer, media_of, retry_job
from shared.storage import Storage
from shared.tables import Job, JobStatus, Stage, WorkStatus

EndedSince = Annotated[
    float | None,
    typer.Option(parser=read_age, metavar="AGE", help="Of those only what failed no longer ago: 30m, 2h."),
]


def requeue(  # noqa: PLR0913 - one for each option
    job: JobIds = None,
    *,
    code: Code = None,
    all_failed: Annotated[bool, typer.Option("--all-failed", help="All that failed.")] = False,
    running: Annotated[
        bool,
        typer.Option(
            "--running", help="All that run: after a restore the files between their stages may be missing."
        ),
    ] = False,
    stuck: Annotated[
        bool,
        typer.Option("--stuck", help="Send messages of what is ready again; with JOB, of these jobs only."),
    ] = False,
    since: EndedSince = None,
    yes: Yes = False,
) -> None:
    """Begin failed or cancelled jobs anew, as `POST /jobs/{id}/retry` does; or running ones.

    The janitor sends their messages. Exit status: 1 if a job that was named cannot be begun anew.
    """
    with open_service() as service:
        if stuck:
            if code is not None or all_failed or running or since is not None:
                raise typer.BadParameter("--stuck takes ids of jobs only")
            _send_again(service, list(dict.fromkeys(job or ())), yes=yes)
            return
        named = told_apart(job, filters={"--code": code, "--all-failed": all_failed, "--running": running})
        if running and (code is not None or all_failed):
            raise typer.BadParameter("--running takes no other option")
        if since is not None and (named or running):
            raise typer.BadParameter("--since narrows down --code or --all-failed, and nothing else")
        find = find_running if running else partial(find_failed, code=code, since_s=since)
        chosen = named or transact(service.engine, find)
        ask(len(chosen), f"{number(len(chosen), 'job')} would begin anew. Go on?", yes=yes)
        with plain_storage_errors():
            _begin_anew(service, chosen, named=bool(named))


def find_running(session: Session) -> list[uuid.UUID]:
    """Return the jobs that a worker has begun, oldest first."""
    begun = select(Job.id).where(Job.status == JobStatus.RUNNING, Job.deleted_at.is_(None))
    return list(session.scalars(begun.order_by(Job.id)))


def find_failed(session: Session, code: str | None, since_s: float | None = None) -> list[uuid.UUID]:
    """Return the failed jobs, oldest first; of one code only, and of the last seconds only, if so asked."""
    failed = select(Job.id).where(Job.status == JobStatus.FAILED, Job.deleted_at.is_(None))
    if code is not None:
        failed = failed.where(Job.error_code == code)
    if since_s is not None:
        failed = failed.where(ended_since(since_s))
    return list(session.scalars(failed.order_by(Job.id)))


def begin_anew(
    session: Session, job_id: uuid.UUID, storage: Storage, service: Service, *, named: bool
) -> None:
    """Begin one job anew, its message for the janitor to send; one that runs, unless it was ``named``.

    Raises:
        AvemotionError: There is no such job, it is in another state, or its media are gone.
    """
    job = lock_job(session, job_id)
    if job is None or job.deleted_at is not None:
        raise no_such_job(job_id)
    if job.status is JobStatus.RUNNING and not named:
        for upload in media_of(session, job, storage):
            keep_longer(upload, service.settings)
        restart_job(session, job)
    else:
        retry_job(session, job, storage, service.settings)
    session.flush()
    # Not sent from here: many at once would flood the queue, and a broker that is away is no reason to wait.
    session.execute(update(Stage).where(Stage.job_id == job_id).values(published_at=None))


def forget_sending(session: Session, job_ids: Sequence[uuid.UUID], condition: ColumnElement[bool]) -> int:
    """Mark the messages of ready stages as never sent; return of how many.

    Args:
        session: A session.
        job_ids: Of these jobs; of all if there are none.
        condition: Which stages.
    """
    statement = update(Stage).where(_stuck(job_ids, condition)).values(published_at=None)
    statement = statement.execution_options(synchronize_session=False)
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def _stuck(job_ids: Sequence[uuid.UUID], condition: ColumnElement[bool]) -> ColumnElement[bool]:
    ready = (Stage.status == WorkStatus.READY) & due(Stage) & has_work() & condition
    return ready & Stage.job_id.in_(job_ids) if job_ids else ready


def _begin_anew(service: Service, chosen: Sequence[uuid.UUID], *, named: bool) -> None:
    storage = service.open_storage()
    begun, refused = 0, dict[str, int]()
    for job_id in chosen:
        try:
            transact(
                service.engine,
                lambda session: begin_anew(session, job_id, storage, service, named=named),  # noqa: B023
            )
        except AvemotionError as error:
            if named:
                typer.echo(f"{job_id}: {printable(error.message)}", err=True)
            refused[error.message] = refused.get(error.message, 0) + 1
        else:
            begun += 1
    typer.echo(f"{number(begun, 'job begins', 'jobs begin')} anew.", err=True)
    if named and refused:
        raise typer.Exit(1)
    for message, count in refused.items():
        typer.echo(f"{number(count, 'job')} left alone: {printable(message)}", err=True)


def _send_again(service: Service, job_ids: Sequence[uuid.UUID], *, yes: bool) -> None:
    """Have the janitor send messages again; without ids, those that were sent long enough ago to be lost."""
    late = Stage.status == WorkStatus.READY if job_ids else overdue(service.settings.republish_after_s)

    def count(session: Session) -> int:
        for job_id in job_ids:
            job = session.get(Job, job_id)
            if job is None or job.deleted_at is not None:
                raise no_such_job(job_id)
        stages = select(func.count()).select_from(Stage).where(_stuck(job_ids, late))
        return session.scalars(stages).one()

    found = transact(service.engine, count)
    ask(found, f"{number(found, 'message')} would be sent again. Go on?", yes=yes)
    sent = transact(service.engine, lambda session: forget_sending(session, job_ids, late))
    typer.echo(f"{number(sent, 'message')} for the janitor to send again.", err=True)
