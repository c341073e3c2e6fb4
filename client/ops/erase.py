"""``avemotion ops erase``: jobs and media of any owner, for good."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer
from sqlalchemy import ColumnElement, false, func, or_, select, update
from sqlalchemy.orm import Session

from client.ops.leftovers import Leftovers, count_uploads
from client.ops.purge import hide_all
from client.ops.selection import JobIds, Owner, Since, Yes, no_such_job
from client.ops.service import Service, open_service, plain_storage_errors
from client.ops.words import ask
from shared.database import transact
from shared.erasure import PATIENCE_S, erase_job, hide_all_of
from shared.storage import Storage
from shared.tables import Job, Upload

USES = or_(Job.video_id == Upload.id, Job.audio_id == Upload.id)


@dataclass(frozen=True)
class Chosen:
    """What is to go.

    Attributes:
        jobs: Condition on jobs.
        uploads: Condition on uploads that go with them, also those that no job has.
    """

    jobs: ColumnElement[bool]
    uploads: ColumnElement[bool]


def erase(  # noqa: PLR0913 - options of the command line
    job: JobIds = None,
    *,
    same_media: Annotated[
        bool,
        typer.Option("--same-media", help="Also every other job and upload of the same bytes, whoever's."),
    ] = False,
    owner: Owner = None,
    since: Since = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
    yes: Yes = False,
) -> None:
    """Erase jobs with results, files, and the media that no other job has, as `DELETE /jobs/{id}` does.

    With --owner all that an API key has made, also uploads without a job; with --since only what it made
    lately. Jobs that run are cancelled.
    """
    if bool(job) == (owner is not None):
        raise typer.BadParameter("say whose: ids of jobs, or --owner, not both")
    if (same_media and not job) or (since is not None and owner is None):
        raise typer.BadParameter("--same-media goes with ids of jobs, --since with --owner")
    with open_service() as service, plain_storage_errors():
        chosen = transact(
            service.engine,
            lambda session: (
                choose_jobs(session, job, same_media=same_media)
                if job
                else choose_of_owner(session, owner, since)
            ),
        )
        found = transact(service.engine, lambda session: count(session, chosen))
        if dry_run:
            typer.echo(f"Would go: {found}.")
            return
        ask(found.jobs + found.uploads, f"{found} would be erased for good. Go on?", yes=yes)
        storage = service.open_storage()
        if owner is not None and since is None:
            # Its batches, too.
            hide_all_of(service.engine, owner, service.settings)
        erase_all(service, storage, chosen)
        typer.echo(f"Erased: {found}.", err=True)


def choose_jobs(session: Session, ids: Sequence[uuid.UUID], *, same_media: bool) -> Chosen:
    """Return the condition for jobs by their ids.

    Raises:
        AvemotionError: One of them is not there.
    """
    for job_id in ids:
        job = session.get(Job, job_id)
        if job is None or job.deleted_at is not None:
            raise no_such_job(job_id)
    named = Job.id.in_(ids)
    if not same_media:
        return Chosen(named, false())
    hashes = list(session.scalars(select(Upload.sha256).where(select(Job.id).where(USES, named).exists())))
    uploads = Upload.sha256.in_(hashes)
    same = list(session.scalars(select(Upload.id).where(uploads)))
    return Chosen(or_(named, Job.video_id.in_(same), Job.audio_id.in_(same)), uploads)


def choose_of_owner(session: Session, owner_id: uuid.UUID | None, since_s: float | None) -> Chosen:
    """Return the condition for what an owner has made until now; with ``since_s``, in these seconds."""
    now: datetime = session.scalars(select(func.now())).one()
    jobs = (Job.owner_id == owner_id) & (Job.created_at <= now)
    uploads = (Upload.owner_id == owner_id) & (Upload.created_at <= now)
    if since_s is not None:
        first = now - timedelta(seconds=since_s)
        jobs, uploads = jobs & (Job.created_at >= first), uploads & (Upload.created_at >= first)
    return Chosen(jobs, uploads)


def count(session: Session, chosen: Chosen) -> Leftovers:
    """Return how much there is of what was chosen, with the media that no other job has."""
    seen = chosen.jobs & Job.deleted_at.is_(None)
    jobs = session.scalars(select(func.count()).select_from(Job).where(seen)).one()
    by_these = select(Job.id).where(USES, seen).exists()
    by_others = select(Job.id).where(USES, Job.deleted_at.is_(None), ~seen).exists()
    return Leftovers(jobs, *count_uploads(session, or_(by_these, chosen.uploads) & ~by_others))


def erase_all(service: Service, storage: Storage, chosen: Chosen) -> None:
    """Erase what was chosen; what a crash cuts off the janitor finishes.

    Raises:
        OSError: The storage fails; nobody sees any of it any more, and the janitor goes on.
    """
    hide_all(service, chosen.jobs)
    transact(service.engine, lambda session: expire(session, chosen.uploads), patience_s=PATIENCE_S)
    hidden = select(Job.id).where(chosen.jobs, Job.deleted_at.is_not(None))
    for job_id in transact(service.engine, lambda session: session.scalars(hidden).all()):
        erase_job(service.engine, storage, job_id)
    while transact(service.engine, lambda session: drop_one(session, storage, chosen.uploads)):
        pass


def expire(session: Session, condition: ColumnElement[bool]) -> None:
    """End the life of uploads that no job needs, in the order in which everybody locks them."""
    used = select(Job.id).where(USES, Job.deleted_at.is_(None)).exists()
    unused = select(Upload.id).where(condition, ~used).order_by(Upload.id).with_for_update()
    ids = session.scalars(unused).all()
    session.execute(update(Upload).where(Upload.id.in_(ids)).values(expires_at=func.now()))


def drop_one(session: Session, storage: Storage, condition: ColumnElement[bool]) -> bool:
    """Remove one expired upload that no job has, the file first; tell whether there was one."""
    dead = condition & (Upload.expires_at <= func.now()) & ~select(Job.id).where(USES).exists()
    upload = session.scalars(
        select(Upload).where(dead).limit(1).with_for_update(skip_locked=True)
    ).one_or_none()
    if upload is None:
        return False
    storage.delete(upload.storage_key)
    session.delete(upload)
    return True
