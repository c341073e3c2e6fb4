"""``avemotion ops media``: what a job was given, to be seen and, for a report, copied out."""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from client.ops.selection import no_such_job
from client.ops.service import open_service, plain_storage_errors
from client.ops.words import number, read_job_id, size
from shared.database import transact
from shared.errors import AvemotionError, ErrorCode
from shared.storage import COPY_BYTES, Storage
from shared.tables import Job, Upload

# Nothing opens a file by itself that is called so.
SUFFIX = ".upload"


def media(
    job: Annotated[
        uuid.UUID, typer.Argument(metavar="JOB", parser=read_job_id, help="Id, as `ops jobs` shows it.")
    ],
    *,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", file_okay=False, help="Copy them there, readable by you alone."),
    ] = None,
) -> None:
    """Show a job's media: id, kind, type, size, hash; and how many jobs have them.

    They are faces and voices: a copy is yours to protect and to erase.
    """
    with open_service() as service, plain_storage_errors():
        found = transact(service.engine, lambda session: find_media(session, job))
        storage = service.open_storage() if to is not None else None
        for upload, users in found:
            typer.echo(
                f"{upload.id}  {upload.kind.value}  {upload.media_type}  {size(upload.size_bytes or 0)}"
                f"  sha256 {upload.sha256}  of {number(users, 'job')}"
            )
            if storage is not None and to is not None:
                typer.echo(f"Copied to {copy_out(storage, upload, to)}.", err=True)


def find_media(session: Session, job_id: uuid.UUID) -> list[tuple[Upload, int]]:
    """Return the uploads of a job, and how many jobs have each.

    Raises:
        AvemotionError: There is no such job, or its media have expired.
    """
    job = session.get(Job, job_id)
    if job is None or job.deleted_at is not None:
        raise no_such_job(job_id)
    ids = {upload_id for upload_id in (job.video_id, job.audio_id) if upload_id}
    uploads = session.scalars(select(Upload).where(Upload.id.in_(ids)).order_by(Upload.id)).all()
    if not uploads:
        raise AvemotionError(ErrorCode.MEDIA_MISSING, f"The media of job {job_id} have expired.")
    return [(upload, count_users(session, upload.id)) for upload in uploads]


def count_users(session: Session, upload_id: uuid.UUID) -> int:
    """Return how many jobs have an upload."""
    having = (Job.video_id == upload_id) | (Job.audio_id == upload_id)
    return len(session.scalars(select(Job.id).where(having, Job.deleted_at.is_(None))).all())


def copy_out(storage: Storage, upload: Upload, folder: Path) -> Path:
    """Copy an upload into a folder and return where it lies, under its id.

    Raises:
        AvemotionError: It cannot be written there, or the bytes in the storage are not those of the upload.
        OSError: The storage fails.
    """
    path = folder / f"{upload.id}{SUFFIX}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError:
        raise _not_written(f"{path} is there already; nothing is overwritten.") from None
    except OSError as error:
        raise _not_written(f"{path} cannot be written: {error.strerror}.") from error
    digest = hashlib.sha256()
    try:
        with target, storage.reader(upload.storage_key) as source:
            while piece := source.read(COPY_BYTES):
                digest.update(piece)
                target.write(piece)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    if digest.hexdigest() != upload.sha256:
        path.unlink()
        raise AvemotionError(
            ErrorCode.MEDIA_MISSING, f"What lies in the storage for {upload.id} is not what was uploaded."
        )
    return path


def _not_written(message: str) -> AvemotionError:
    return AvemotionError(ErrorCode.CONFLICT, message)
