"""Removing what nobody needs: intermediate files, expired media and jobs, what crashes left behind.

Rows are written before files and removed after them, so that a crash in between leaves a row that
says what to do, and any file without a row is nobody's. ``worker.sweep`` looks for those.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import timedelta
from typing import cast
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Table, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from shared.database import transact
from shared.erasure import drop_batches, erase_job, hide_jobs_of
from shared.storage import incoming_key
from shared.tables import ENDED, Batch, Job, JobStatus, Stage, Upload, UploadState
from worker.metrics.janitor import REMOVED
from worker.toolkit import Toolkit

log = structlog.stdlib.get_logger(__name__)
ROUND_ROWS = 200
# An upload that has not ended by then never will: its process is gone.
UPLOAD_LIMIT_S = 6 * 3600
# Outputs that clients may fetch; everything else was for the next stage.
ARTIFACTS = ("faces_csv", "mel_png", "mfcc_png", "sequence_png")


def purge(kit: Toolkit) -> None:
    """Do one round of each kind of removal."""
    tidy_jobs(kit)
    hide_batches(kit)
    erase_expired(kit)
    drop_uploads(kit)
    drop_batches(kit.engine, kit.settings)


def purge_all(kit: Toolkit) -> None:
    """Remove all that a janitor would remove by and by, in as many rounds as it takes."""
    expired = select(func.count()).select_from(Job).where(expired_jobs())
    left = None
    while left != 0:
        purge(kit)
        before, left = left, transact(kit.engine, lambda session: session.scalars(expired).one())
        # What cannot be removed now is left to the janitor.
        if before is not None and left >= before:
            break


def expired_jobs() -> ColumnElement[bool]:
    """Return the condition that a job's time is over."""
    return Job.expires_at < func.now()


def needed_uploads() -> ColumnElement[bool]:
    """Return the condition that an open job has an upload."""
    return (
        select(Job.id)
        .where(or_(Job.video_id == Upload.id, Job.audio_id == Upload.id), Job.status.not_in(ENDED))
        .exists()
    )


def dead_uploads() -> ColumnElement[bool]:
    """Return the condition that an upload expired without an open job, or never arrived."""
    stuck = (Upload.state == UploadState.RECEIVING) & (
        Upload.created_at < func.now() - timedelta(seconds=UPLOAD_LIMIT_S)
    )
    return stuck | ((Upload.expires_at < func.now()) & ~needed_uploads())


def tidy_jobs(kit: Toolkit) -> None:
    """Remove the intermediate files of jobs that ended, once no worker can still be writing them.

    What is left is measured.
    """
    grace = timedelta(seconds=2 * kit.settings.lease_s)
    ended = (
        select(Job.id, Job.attempt, Job.status)
        .where(Job.status.in_(ENDED), Job.tidied_at.is_(None), Job.finished_at < func.now() - grace)
        .order_by(Job.finished_at)
        .limit(ROUND_ROWS)
    )
    rows = transact(kit.engine, lambda session: session.execute(ended).all())
    succeeded = [row.id for row in rows if row.status is JobStatus.SUCCEEDED]
    keep = transact(kit.engine, lambda session: artifact_keys(session, succeeded)) if succeeded else {}
    tidied: list[dict[str, object]] = []
    try:
        for row in rows:
            kept_bytes = _tidy(kit, row.id, keep.get(row.id, set()))
            tidied.append({"job_": row.id, "attempt_": row.attempt, "bytes_": kept_bytes})
    finally:
        # Everybody locks jobs in the order of their ids.
        tidied.sort(key=lambda job: str(job["job_"]))
        if tidied:
            transact(kit.engine, lambda session: session.connection().execute(_TIDIED, tidied))


_JOBS = cast("Table", Job.__table__)
_TIDIED = (
    update(_JOBS)
    .where(_JOBS.c.id == bindparam("job_"), _JOBS.c.attempt == bindparam("attempt_"))
    .values(tidied_at=func.now(), artifact_bytes=bindparam("bytes_"))
)


def _tidy(kit: Toolkit, job_id: UUID, keep: Collection[str]) -> int:
    """Remove all files of a job but these; return the size of those that are left."""
    kept_bytes = 0
    for entry in kit.storage.entries(f"jobs/{job_id}"):
        if entry.key in keep:
            kept_bytes += entry.size_bytes
        else:
            kit.storage.delete(entry.key)
    return kept_bytes


def artifact_keys(session: Session, job_ids: Collection[UUID]) -> dict[UUID, set[str]]:
    """Return the storage keys of jobs' artifacts, by job."""
    found: dict[UUID, set[str]] = defaultdict(set)
    for row in session.execute(select(Stage.job_id, Stage.output).where(Stage.job_id.in_(job_ids))):
        found[row.job_id].update(row.output[name] for name in ARTIFACTS if row.output and name in row.output)
    return found


def hide_batches(kit: Toolkit) -> None:
    """Go on with the erasure of batches that a crash cut off."""
    visible = select(Job.id).where(Job.batch_id == Batch.id, Job.deleted_at.is_(None))
    begun = select(Batch.id).where(Batch.deleted_at.is_not(None), visible.exists()).limit(ROUND_ROWS)
    for batch_id in transact(kit.engine, lambda session: session.scalars(begun).all()):
        hide_jobs_of(kit.engine, batch_id, kit.settings)


def erase_expired(kit: Toolkit) -> None:
    """Erase jobs whose time is over, and finish erasures that a crash cut off."""
    expired = select(Job.id).where(expired_jobs()).limit(ROUND_ROWS)
    for job_id in transact(kit.engine, lambda session: session.scalars(expired).all()):
        erase_job(kit.engine, kit.storage, job_id)
        REMOVED.labels("job", "age").inc()
        log.info("job erased", job_id=str(job_id))


def drop_uploads(kit: Toolkit) -> None:
    """Remove uploads that expired without an open job, and those that never arrived."""

    def drop(session: Session) -> bool:
        upload = session.scalars(
            select(Upload).where(dead_uploads()).limit(1).with_for_update(skip_locked=True)
        ).one_or_none()
        if upload is None:
            return False
        kit.storage.delete(upload.storage_key)
        if upload.state is UploadState.RECEIVING:
            kit.storage.drop_unfinished(upload.storage_key)
            kit.storage.delete(incoming_key(upload.id))
        session.delete(upload)
        return True

    while transact(kit.engine, drop):
        REMOVED.labels("upload", "age").inc()
