"""Beginning a job anew: the same media, the same options, another attempt."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from shared.errors import AvemotionError, ErrorCode
from shared.lifecycle import restart_job
from shared.settings import Settings
from shared.storage import Storage
from shared.tables import Job, JobStatus, Upload, UploadState

RETRIED = (JobStatus.FAILED, JobStatus.CANCELLED)
# What makes two requests the same, with every default filled in.
OPTIONS = ("video_id", "audio_id", "fusion", "analyzer", "model", "window_s", "stride_s", "priority")


def fingerprint(job: Job) -> str:
    """Return what two jobs share if, and only if, they were asked for in the same way."""
    options: list[Any] = [str(getattr(job, name)) for name in OPTIONS]
    # Where there are none, the fingerprint is that of a release which knew of neither.
    if job.rules:
        options.append(job.rules)
    if job.webhook_url is not None:
        options.append({"webhook_url": job.webhook_url})
    return hashlib.sha256(json.dumps(options).encode()).hexdigest()


def retry_job(session: Session, job: Job, storage: Storage, settings: Settings) -> None:
    """Begin a locked job that failed or was cancelled anew; its media live on for it.

    Raises:
        AvemotionError: It is in another state, or its media are gone.
    """
    if job.status not in RETRIED:
        raise AvemotionError(
            ErrorCode.CONFLICT,
            f"The job is {job.status.value}; only a failed or cancelled job can be tried again.",
        )
    for upload in media_of(session, job, storage):
        keep_longer(upload, settings)
    restart_job(session, job)


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


def keep_longer(upload: Upload, settings: Settings) -> None:
    """Count a locked upload's time from now on."""
    upload.expires_at = cast("Any", later(settings))


def later(settings: Settings) -> ColumnElement[datetime]:
    """Return the end of an upload's life if it is used now."""
    return func.greatest(Upload.expires_at, func.now() + timedelta(seconds=settings.upload_ttl_s))
