"""What a client may do to a job once it is there."""

from __future__ import annotations

from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from api.media import keep_longer
from api.polling import job_missing
from api.services import Services
from api.submission import fingerprint
from shared.database import transact
from shared.erasure import PATIENCE_S, erase_job, hide_job
from shared.errors import AvemotionError, ErrorCode
from shared.lifecycle import end_job, lock_job, restart_job
from shared.storage import Storage
from shared.tables import Job, JobStatus, Priority, Upload, UploadState

log = structlog.stdlib.get_logger(__name__)

RETRIED = (JobStatus.FAILED, JobStatus.CANCELLED)


def cancel(job_id: UUID, owner_id: UUID | None, to: Services) -> None:
    """End an open job as cancelled.

    Raises:
        AvemotionError: There is no such job, or it has succeeded or failed.
    """

    def work(session: Session) -> None:
        job = lock_own(session, job_id, owner_id)
        if job.status is JobStatus.CANCELLED:
            return
        if job.status.ended:
            raise AvemotionError(
                ErrorCode.CONFLICT, f"The job has {job.status.value} already; it cannot be cancelled."
            )
        end_job(session, job, JobStatus.CANCELLED, to.settings)

    transact(to.engine, work)


def retry(job_id: UUID, owner_id: UUID | None, to: Services) -> None:
    """Begin a failed or cancelled job anew.

    Raises:
        AvemotionError: There is no such job, it is in another state, or its media are gone.
    """

    def work(session: Session) -> Priority:
        job = lock_own(session, job_id, owner_id)
        if job.status not in RETRIED:
            raise AvemotionError(
                ErrorCode.CONFLICT,
                f"The job is {job.status.value}; only a failed or cancelled job can be tried again.",
            )
        for upload in media_of(session, job, to.storage):
            keep_longer(upload, to.settings)
        restart_job(session, job)
        return job.priority

    priority = transact(to.engine, work)
    to.publisher.send([(job_id, priority)])


def media_of(session: Session, job: Job, storage: Storage) -> list[Upload]:
    """Return a locked job's uploads, locked too, if they are all still there.

    Raises:
        AvemotionError: One of them has expired.
    """
    ids = sorted({upload_id for upload_id in (job.video_id, job.audio_id) if upload_id})
    uploads = session.scalars(
        select(Upload).where(Upload.id.in_(ids)).order_by(Upload.id).with_for_update()
    ).all()
    there = [
        upload
        for upload in uploads
        if upload.state is UploadState.STORED and storage.exists(upload.storage_key)
    ]
    # Removing an upload takes its id out of the job: then the job no longer is the one asked for.
    if len(there) < len(ids) or fingerprint(job) != job.request_sha256:
        raise AvemotionError(
            ErrorCode.MEDIA_MISSING, "The media of this job have expired; upload them again for a new job."
        )
    return there


def erase(job_id: UUID, owner_id: UUID | None, to: Services) -> None:
    """Erase a job with everything that only it has.

    Once it is hidden nothing can bring it back: what fails then is finished by the janitor.

    Raises:
        AvemotionError: There is no such job.
    """
    transact(
        to.engine,
        lambda session: hide_job(session, lock_own(session, job_id, owner_id), to.settings),
        patience_s=PATIENCE_S,
    )
    try:
        erase_job(to.engine, to.storage, job_id)
    except (OSError, SQLAlchemyError) as error:
        log.warning("erasure left to the janitor", job_id=str(job_id), error=type(error).__name__)


def lock_own(session: Session, job_id: UUID, owner_id: UUID | None) -> Job:
    """Return an owner's job, locked.

    Raises:
        AvemotionError: There is no such job.
    """
    job = lock_job(session, job_id)
    if job is None or job.owner_id != owner_id or job.deleted_at is not None:
        raise job_missing(job_id)
    return job
