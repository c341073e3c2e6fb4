"""``avemotion ops purge``: remove now what the janitor removes in its time, and ended jobs before theirs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import typer
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from client.ops.leftovers import Leftovers, count_uploads
from client.ops.selection import Yes
from client.ops.service import Service, open_service, plain_storage_errors
from client.ops.words import age, ask, number, read_age
from shared.database import transact
from shared.erasure import erase_job, hide_jobs
from shared.errors import AvemotionError, ErrorCode
from shared.lifecycle import in_steps
from shared.tables import ENDED, Job, Upload

EndedBefore = Annotated[
    float | None,
    typer.Option(parser=read_age, metavar="AGE", help="Erase jobs that ended that long ago: 12h, 7d, 2w."),
]


def purge(
    *,
    expired: Annotated[
        bool, typer.Option("--expired", help="What has expired; so it is without --older-than.")
    ] = False,
    older_than: EndedBefore = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
    yes: Yes = False,
) -> None:
    """Remove what has expired, with its files, and what crashes left behind; the janitor does so by and by.

    Jobs that are erased before their time take along the media that no other job has.
    """
    with open_service() as service, plain_storage_errors():
        if older_than is not None:
            _erase_old(service, older_than, dry_run=dry_run, yes=yes)
        if expired or older_than is None:
            _purge_expired(service, dry_run=dry_run, yes=yes)


def ended_before(age_s: float, now: datetime) -> ColumnElement[bool]:
    """Return the condition that a job ended so many seconds before ``now``, or earlier."""
    return Job.status.in_(ENDED) & (Job.finished_at < now - timedelta(seconds=age_s))


def count_old(session: Session, age_s: float) -> tuple[datetime, Leftovers]:
    """Return the time of the database, and what erasing all jobs that ended so long ago removes."""
    now = session.scalars(select(func.now())).one()
    old = ended_before(age_s, now) & Job.deleted_at.is_(None)
    jobs = session.scalars(select(func.count()).select_from(Job).where(old)).one()
    uses = or_(Job.video_id == Upload.id, Job.audio_id == Upload.id)
    used_by_old = select(Job.id).where(uses, old).exists()
    used_by_others = select(Job.id).where(uses, Job.deleted_at.is_(None), ~old).exists()
    return now, Leftovers(jobs, *count_uploads(session, used_by_old & ~used_by_others))


def _erase_old(service: Service, age_s: float, *, dry_run: bool, yes: bool) -> None:
    now, found = transact(service.engine, lambda session: count_old(session, age_s))
    if dry_run:
        typer.echo(f"Ended {age(age_s)} ago or earlier: {found}.")
        return
    ask(found.jobs, f"{found} would be erased for good. Go on?", yes=yes)
    storage = service.open_storage()
    hidden = hide_all(service, ended_before(age_s, now))
    for job_id in hidden:
        erase_job(service.engine, storage, job_id)
    typer.echo(f"{number(len(hidden), 'job')} erased.", err=True)


def hide_all(service: Service, condition: ColumnElement[bool]) -> Sequence[uuid.UUID]:
    """Begin the erasure of all jobs that meet a condition, and return them; the janitor would finish it."""
    hidden: dict[uuid.UUID, None] = {}

    def step(session: Session, job_ids: Sequence[uuid.UUID]) -> None:
        hide_jobs(session, job_ids, service.settings)
        hidden.update(dict.fromkeys(job_ids))

    in_steps(service.engine, condition, step)
    return list(hidden)


def _purge_expired(service: Service, *, dry_run: bool, yes: bool) -> None:
    try:
        from client.ops import expired  # noqa: PLC0415 - the API's image has no workers, and no janitor's code
    except ImportError as error:
        message = (
            f"Only the janitor removes what has expired, and its code is not installed here ({error.name} is"
            " missing): run this where the janitor runs, or leave it to the janitor."
        )
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message) from error
    found = expired.find(service)
    if found.fault is not None:
        typer.echo(
            f"Are these the database and the storage of one service? For {found.fault}.\n"
            "The janitor leaves such things alone. Is the right folder mounted, the right backup restored?",
            err=True,
        )
    if dry_run:
        typer.echo(f"Expired: {found.told}.")
        return
    if found.fault is not None and not yes:
        typer.confirm(f"{found.told} would be removed for good. Go on?", abort=True, err=True)
    typer.echo(f"Removed: {expired.remove(service, found)}.", err=True)
