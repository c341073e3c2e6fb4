"""Erasing a job: its files, its media unless another job needs them, and every row.

In three steps, so that a crash between any two leaves a row that says what is still to do: the job
is hidden, then its files go, then its rows. ``erase_job`` may be run again at any time; the janitor
runs it for every job whose time is over, which a hidden job's is.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Engine, delete, func, or_, select, update
from sqlalchemy.orm import Session

from shared.database import transact
from shared.lifecycle import end_job, lock_job
from shared.settings import Settings
from shared.storage import Storage
from shared.tables import Job, JobStatus, Upload

# Long enough for a deadlock with another erasure to be broken and the work to be done again.
PATIENCE_S = 2


def hide_job(session: Session, job: Job, settings: Settings) -> None:
    """Begin a locked job's erasure: end it, let nobody see it, and let its media expire.

    Media that another job still uses are left alone. Whoever stores the same bytes again before
    the files are gone keeps them: that came later.
    """
    if not job.status.ended:
        end_job(session, job, JobStatus.CANCELLED, settings)
    job.deleted_at = job.expires_at = func.now()
    # The client may use the key again.
    job.idempotency_key = None
    for upload in _lock_uploads(session, job):
        if not _is_used(session, upload, job):
            upload.expires_at = func.now()


def erase_job(engine: Engine, storage: Storage, job_id: UUID) -> None:
    """Erase a job whose time is over; one that is gone, or lives on, is left alone."""
    expired = (
        update(Job)
        .where(Job.id == job_id, Job.expires_at <= func.now())
        .values(deleted_at=func.coalesce(Job.deleted_at, func.now()))
        .returning(Job.id)
    )
    if transact(engine, lambda session: session.scalar(expired), patience_s=PATIENCE_S) is None:
        return
    storage.delete_tree(f"jobs/{job_id}")
    transact(engine, lambda session: _drop_rows(session, storage, job_id), patience_s=PATIENCE_S)


def _drop_rows(session: Session, storage: Storage, job_id: UUID) -> None:
    job = lock_job(session, job_id)
    if job is None:
        return
    now = session.scalars(select(func.now())).one()
    for upload in _lock_uploads(session, job):
        if upload.expires_at <= now and not _is_used(session, upload, job):
            # Under the row's lock: nobody can come to rely on the file meanwhile.
            storage.delete(upload.storage_key)
            session.delete(upload)
    session.flush()
    # The rows of its segments, stages and windows go with it.
    session.execute(delete(Job).where(Job.id == job_id))


def _lock_uploads(session: Session, job: Job) -> list[Upload]:
    ids = sorted({upload for upload in (job.video_id, job.audio_id) if upload})
    rows = session.scalars(select(Upload).where(Upload.id.in_(ids)).order_by(Upload.id).with_for_update())
    return list(rows)


def _is_used(session: Session, upload: Upload, but_by: Job) -> bool:
    """Tell whether another job that can be seen has the upload."""
    others = select(Job.id).where(
        or_(Job.video_id == upload.id, Job.audio_id == upload.id),
        Job.id != but_by.id,
        Job.deleted_at.is_(None),
    )
    return session.scalar(others.limit(1)) is not None
