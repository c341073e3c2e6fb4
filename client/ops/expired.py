"""What has expired or was left behind by crashes: found, and removed by the janitor's own code."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from client.ops.leftovers import Leftovers, count_uploads
from client.ops.service import Service
from shared.database import transact
from shared.tables import Job
from worker.purge import dead_uploads, expired_jobs, find_orphans, purge_all
from worker.toolkit import Toolkit


def find(service: Service) -> Leftovers:
    """Return what ``remove`` would remove."""
    kit = _kit(service)

    def count(session: Session, folders: int) -> Leftovers:
        jobs = session.scalars(select(func.count()).select_from(Job).where(expired_jobs())).one()
        return Leftovers(jobs, *count_uploads(session, dead_uploads()), folders)

    orphans = sum(1 for _ in find_orphans(kit))
    return transact(service.engine, lambda session: count(session, orphans))


def remove(service: Service) -> Leftovers:
    """Remove what has expired or was left behind, and return what that was."""
    before = find(service)
    purge_all(_kit(service))
    after = find(service)
    # A janitor may have been at it too: what is gone is gone.
    return Leftovers(
        max(0, before.jobs - after.jobs),
        max(0, before.uploads - after.uploads),
        max(0, before.upload_bytes - after.upload_bytes),
        max(0, before.folders - after.folders),
    )


def _kit(service: Service) -> Toolkit:
    return Toolkit(service.settings, service.engine, service.open_storage())
