"""The sweep: what storage and database do not agree on is put right, without losing a result.

Files that no row knows go. An upload whose file is gone goes too, so that the same bytes can be stored anew,
unless an open job needs it: that job ends in ``media_missing``. A job whose artifacts are gone keeps its
result.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from shared.database import transact
from shared.tables import Job, Upload, UploadState
from worker.leftovers import Leftovers, look
from worker.metrics.janitor import REFUSED, REMOVED
from worker.purge import UPLOAD_LIMIT_S, needed_uploads
from worker.toolkit import Toolkit

log = structlog.stdlib.get_logger(__name__)


class Sweeper:
    """Sweeps now and then, a step a round, so that other duties need not wait for a long list."""

    def __init__(self) -> None:
        """Be ready for the first sweep."""
        self._steps: Iterator[object] | None = None
        self._due = 0.0

    def advance(self, kit: Toolkit) -> None:
        """Do the next step, if a sweep is going on or due.

        Raises:
            OSError: The storage is away; the sweep begins anew after its pause.
        """
        if self._steps is None:
            if time.monotonic() < self._due:
                return
            self._due = time.monotonic() + kit.settings.sweep_every_s
            self._steps = sweep_in_steps(kit, Leftovers())
        try:
            next(self._steps)
        except StopIteration:
            self._steps = None
        except BaseException:
            self._steps = None
            raise


def sweep(kit: Toolkit) -> Leftovers:
    """Do a whole sweep at once, and return what was found."""
    found = Leftovers()
    for _ in sweep_in_steps(kit, found):
        pass
    return found


def survey(kit: Toolkit) -> Leftovers:
    """Return what a sweep would find; nothing is changed."""
    found = Leftovers()
    for _ in look(kit, found):
        pass
    return found


def sweep_in_steps(kit: Toolkit, found: Leftovers) -> Iterator[object]:
    """Look for leftovers, and put right what was found, unless there is too much of it to be believed."""
    dropped = kit.storage.drop_unfinished(age_s=UPLOAD_LIMIT_S)
    if dropped:
        log.warning("unfinished files removed", count=dropped)
    yield None
    yield from look(kit, found)
    REFUSED.set(found.fault is not None)
    if found.fault is not None:
        log.error(
            "sweep refused: are these the database and the storage of one service? `ops purge` goes on",
            reason=found.fault,
        )
        return
    yield from put_right(kit, found)


def put_right(kit: Toolkit, found: Leftovers) -> Iterator[str | None]:
    """Remove files that no row knows, and let the database know of files that are gone.

    Yields after each what was removed: ``files``, ``upload`` or ``artifacts``; ``None``: it stays after all.
    """
    for place in found.orphans:
        kit.storage.delete_tree(place)
        REMOVED.labels("files", "orphan").inc()
        log.warning("orphan removed", folder=place.partition("/")[0])
        yield "files"
    for upload_id in found.lost_uploads:
        forgotten = transact(kit.engine, lambda session: _forget_upload(session, kit, upload_id))  # noqa: B023
        if forgotten:
            REMOVED.labels("upload", "lost").inc()
            log.warning("upload without a file removed", upload_id=str(upload_id))
        yield "upload" if forgotten else None
    for job_id in found.lost_artifacts:
        gone = not kit.storage.entries(f"jobs/{job_id}")
        if gone:
            tidied = update(Job).where(Job.id == job_id, Job.tidied_at.is_not(None))
            marked = tidied.values(artifact_bytes=0, artifacts_dropped_at=func.now())
            transact(kit.engine, lambda session: session.execute(marked))  # noqa: B023 - run at once
            REMOVED.labels("artifacts", "lost").inc()
            log.warning("artifacts are gone", job_id=str(job_id))
        yield "artifacts" if gone else None
    for job_id, size_bytes in found.sizes.items():
        tidied = update(Job).where(Job.id == job_id, Job.tidied_at.is_not(None))
        measured = tidied.values(artifact_bytes=size_bytes)
        transact(kit.engine, lambda session: session.execute(measured))  # noqa: B023 - run at once
        yield None


def _forget_upload(session: Session, kit: Toolkit, upload_id: UUID) -> bool:
    """Remove an upload's row if its file is still not there, and no open job is going to say so."""
    upload = session.scalars(
        select(Upload)
        .where(Upload.id == upload_id, Upload.state == UploadState.STORED, ~needed_uploads())
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if upload is None or kit.storage.exists(upload.storage_key):
        return False
    session.delete(upload)
    return True
