"""Erasing jobs: their files, their media unless another job needs them, and every row.

In three steps, so that a crash between any two leaves a row that says what is still to do: the job
is hidden, then its files go, then its rows. ``erase_job`` may be run again at any time; the janitor
runs it for every job whose time is over, which a hidden job's is.

A batch is hidden first, then its jobs some at a time; its row goes when no job has it any more. All that an
owner has goes the same way: batches, jobs, and then the uploads that no job was left to let expire.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Engine, delete, func, or_, select, update
from sqlalchemy.orm import Session

from shared.database import transact
from shared.lifecycle import STEP_JOBS, cancel_jobs, in_steps, lock_job
from shared.settings import Settings
from shared.storage import Storage
from shared.tables import Batch, Job, Upload
from shared.webhooks.outbox import withdraw_batch, withdraw_jobs

# Long enough for a deadlock with another erasure to be broken and the work to be done again.
PATIENCE_S = 2


def hide_job(session: Session, job: Job, settings: Settings) -> None:
    """Begin a locked job's erasure, as ``hide_jobs`` does of many."""
    hide_jobs(session, [job.id], settings)


def hide_jobs(session: Session, job_ids: Sequence[UUID], settings: Settings) -> None:
    """Begin the erasure of locked jobs: end them, let nobody see them, and let their media expire.

    Media that another job still uses are left alone. Whoever stores the same bytes again before
    the files are gone keeps them: that came later.
    """
    cancel_jobs(session, job_ids, settings)
    # Nobody is told any more: neither of this end nor of an earlier one.
    withdraw_jobs(session, job_ids)
    session.execute(
        update(Job)
        .where(Job.id.in_(job_ids))
        # The client may use the key again, and with it the reference.
        .values(deleted_at=func.now(), expires_at=func.now(), idempotency_key=None)
        .execution_options(synchronize_session=False)
    )
    named = session.execute(select(Job.video_id, Job.audio_id).where(Job.id.in_(job_ids)))
    uploads = {upload_id for row in named for upload_id in row if upload_id}
    session.execute(select(Upload.id).where(Upload.id.in_(uploads)).order_by(Upload.id).with_for_update())
    used = select(Job.id).where(
        or_(Job.video_id == Upload.id, Job.audio_id == Upload.id), Job.deleted_at.is_(None)
    )
    # Under the locks: of two jobs that are hidden at once, the later finds that nobody else is left.
    session.execute(
        update(Upload)
        .where(Upload.id.in_(uploads), ~used.exists())
        .values(expires_at=func.now())
        .execution_options(synchronize_session=False)
    )


def hide_batch(session: Session, batch: Batch) -> None:
    """Begin a locked batch's erasure: from the commit on nobody sees it, and it takes no more jobs."""
    withdraw_batch(session, batch)
    batch.deleted_at = func.now()


def hide_jobs_of(engine: Engine, batch_id: UUID, settings: Settings) -> None:
    """Begin the erasure of all jobs of a hidden batch; it may be run again at any time."""
    in_steps(engine, Job.batch_id == batch_id, lambda session, jobs: hide_jobs(session, jobs, settings))


def hide_all_of(engine: Engine, owner_id: UUID | None, settings: Settings) -> None:
    """Begin the erasure of all batches, jobs and uploads that an owner has at this moment.

    What comes meanwhile is left alone. It may be run again at any time, also after it broke off.
    """
    moment = transact(engine, lambda session: session.scalars(select(func.now())).one())
    batches = select(Batch).where(
        Batch.owner_id == owner_id, Batch.created_at <= moment, Batch.deleted_at.is_(None)
    )

    def hide_batches(session: Session) -> None:
        for batch in session.scalars(batches.order_by(Batch.id).with_for_update(key_share=True)):
            hide_batch(session, batch)

    # First: from then on the janitor would finish with their jobs.
    transact(engine, hide_batches)
    in_steps(
        engine,
        (Job.owner_id == owner_id) & (Job.created_at <= moment),
        lambda session, jobs: hide_jobs(session, jobs, settings),
    )
    used = select(Job.id).where(
        or_(Job.video_id == Upload.id, Job.audio_id == Upload.id), Job.deleted_at.is_(None)
    )
    unused = select(Upload.id).where(
        Upload.owner_id == owner_id,
        Upload.created_at <= moment,
        Upload.expires_at > func.now(),
        ~used.exists(),
    )

    def expire(session: Session) -> None:
        # In the order in which everybody locks uploads.
        ids = session.scalars(unused.order_by(Upload.id).with_for_update()).all()
        session.execute(update(Upload).where(Upload.id.in_(ids)).values(expires_at=func.now()))

    transact(engine, expire, patience_s=PATIENCE_S)


def drop_batches(engine: Engine, settings: Settings) -> None:
    """Remove the rows of batches that no job has any more: hidden ones, and those that are old."""
    old = Batch.created_at < func.now() - timedelta(seconds=settings.job_ttl_s)
    unused = ~select(Job.id).where(Job.batch_id == Batch.id).exists()
    candidates = select(Batch.id).where(or_(Batch.deleted_at.is_not(None), old), unused)

    def drop(session: Session) -> None:
        # A batch that takes jobs at this moment is locked: it is left out. The second look is sure.
        ids = session.scalars(candidates.limit(STEP_JOBS).with_for_update(skip_locked=True)).all()
        session.execute(
            delete(Batch).where(Batch.id.in_(ids), unused).execution_options(synchronize_session=False)
        )

    transact(engine, drop)


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
