"""Making room: artifacts whose time is over, and what goes when storage holds more than it may.

Rows say how much is stored, so nothing is listed. What open jobs need stays, and so does whatever was used
within the last hour: somebody may be about to fetch it, or to post a job for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, func, literal, select, union_all, update
from sqlalchemy.orm import Session

from shared.database import transact
from shared.tables import Job, Upload, UploadState
from worker.metrics.janitor import REMOVED, REMOVED_BYTES, STORED
from worker.purge import ROUND_ROWS, needed_uploads
from worker.toolkit import Toolkit

log = structlog.stdlib.get_logger(__name__)
EVERY_S = 60
IN_USE_S = 3600


class Stored(NamedTuple):
    """Bytes in storage, as the rows know them."""

    uploads: int
    artifacts: int

    @property
    def total(self) -> int:
        """Both."""
        return self.uploads + self.artifacts


class Retention:
    """Makes room now and then."""

    def __init__(self) -> None:
        """Be ready for the first round."""
        self._due = 0.0

    def advance(self, kit: Toolkit) -> None:
        """Do a round if it is due."""
        if time.monotonic() < self._due:
            return
        retain(kit)
        self._due = time.monotonic() + EVERY_S


def retain(kit: Toolkit) -> None:
    """Do one round: what a crash cut off, what is too old, and what is too much."""
    finish_drops(kit)
    drop_old_artifacts(kit)
    stored = make_room(kit)
    STORED.labels("uploads").set(stored.uploads)
    STORED.labels("artifacts").set(stored.artifacts)


def count_stored(session: Session) -> Stored:
    """Return what is stored; artifacts of jobs that just ended are not measured yet."""
    uploads = select(func.sum(Upload.size_bytes)).where(Upload.state == UploadState.STORED)
    artifacts = select(func.sum(Job.artifact_bytes)).where(Job.artifact_bytes > 0)
    return Stored(int(session.scalar(uploads) or 0), int(session.scalar(artifacts) or 0))


def droppable() -> ColumnElement[bool]:
    """Return the condition that a job has artifacts that may go without it."""
    return (Job.artifact_bytes > 0) & Job.artifacts_dropped_at.is_(None) & Job.deleted_at.is_(None)


def finish_drops(kit: Toolkit) -> None:
    """Go on with removals of artifacts that a crash cut off."""
    begun = select(Job.id).where(Job.artifact_bytes > 0, Job.artifacts_dropped_at.is_not(None))
    for job_id in transact(kit.engine, lambda session: session.scalars(begun.limit(ROUND_ROWS)).all()):
        _remove_files(kit, job_id)


def drop_old_artifacts(kit: Toolkit) -> None:
    """Remove the artifacts of jobs that ended too long ago, where artifacts have a life of their own."""
    if kit.settings.artifact_ttl_s is None:
        return
    old = Job.finished_at < func.now() - timedelta(seconds=kit.settings.artifact_ttl_s)
    wanted = select(Job.id).where(droppable(), old).order_by(Job.finished_at).limit(ROUND_ROWS)
    for job_id in transact(kit.engine, lambda session: session.scalars(wanted).all()):
        drop_artifacts(kit, job_id, "age")


def make_room(kit: Toolkit) -> Stored:
    """Remove what was used longest ago until no more is stored than may be; return what is stored then."""
    stored = transact(kit.engine, count_stored)
    limit_bytes = kit.settings.storage_limit_bytes
    while limit_bytes is not None and stored.total > limit_bytes:
        excess = stored.total - limit_bytes
        removed = 0
        for what, row_id, size_bytes in transact(kit.engine, lambda session: _oldest(session, kit)):
            if removed >= excess:
                break
            remove: Callable[[Toolkit, UUID, str], bool] = (
                drop_artifacts if what == "artifacts" else drop_upload
            )
            if remove(kit, row_id, "size"):
                removed += size_bytes
                REMOVED_BYTES.labels(what).inc(size_bytes)
        if not removed:
            log.warning(
                "more is stored than may be, and all of it is in use", bytes=stored.total, limit=limit_bytes
            )
            break
        stored = transact(kit.engine, count_stored)
    return stored


def _oldest(session: Session, kit: Toolkit) -> list[tuple[str, UUID, int]]:
    """Return what may go, least recently used first: its kind, its id, and its size."""
    # An upload's end moves on with each use.
    used_at = Upload.expires_at - timedelta(seconds=kit.settings.upload_ttl_s)
    idle = func.now() - timedelta(seconds=IN_USE_S)
    jobs = (
        select(
            literal("artifacts").label("kind"), Job.id, Job.artifact_bytes, Job.finished_at.label("used_at")
        )
        .where(droppable(), Job.finished_at < idle)
        .order_by(Job.finished_at)
        .limit(ROUND_ROWS)
    )
    uploads = (
        select(literal("upload").label("kind"), Upload.id, Upload.size_bytes, used_at)
        .where(_idle_upload(kit))
        .order_by(Upload.expires_at)
        .limit(ROUND_ROWS)
    )
    both = union_all(jobs.subquery().select(), uploads.subquery().select()).order_by("used_at", "kind")
    return [(row[0], row[1], int(row[2])) for row in session.execute(both.limit(ROUND_ROWS))]


def _idle_upload(kit: Toolkit) -> ColumnElement[bool]:
    unused_since = func.now() + timedelta(seconds=kit.settings.upload_ttl_s - IN_USE_S)
    return (
        (Upload.state == UploadState.STORED)
        & (Upload.size_bytes > 0)
        & (Upload.expires_at < unused_since)
        & ~needed_uploads()
    )


def drop_artifacts(kit: Toolkit, job_id: UUID, reason: str) -> bool:
    """Remove a job's artifacts and keep its result; return whether there was something to remove."""
    mark = update(Job).where(Job.id == job_id, droppable()).values(artifacts_dropped_at=func.now())
    marked = mark.returning(Job.id)
    if transact(kit.engine, lambda session: session.scalar(marked)) is None:
        return False
    _remove_files(kit, job_id)
    REMOVED.labels("artifacts", reason).inc()
    log.info("artifacts removed", job_id=str(job_id), reason=reason)
    return True


def _remove_files(kit: Toolkit, job_id: UUID) -> None:
    kit.storage.delete_tree(f"jobs/{job_id}")
    # The row last: until then it says that something is still to do.
    done = update(Job).where(Job.id == job_id, Job.artifacts_dropped_at.is_not(None)).values(artifact_bytes=0)
    transact(kit.engine, lambda session: session.execute(done))


def drop_upload(kit: Toolkit, upload_id: UUID, reason: str) -> bool:
    """Remove an upload that no open job needs; return whether it was there, and was not used meanwhile."""

    def drop(session: Session) -> bool:
        upload = session.scalars(
            select(Upload).where(Upload.id == upload_id, _idle_upload(kit)).with_for_update(skip_locked=True)
        ).one_or_none()
        if upload is None:
            return False
        kit.storage.delete(upload.storage_key)
        session.delete(upload)
        return True

    if not transact(kit.engine, drop):
        return False
    REMOVED.labels("upload", reason).inc()
    log.info("upload removed", upload_id=str(upload_id), reason=reason)
    return True
