"""What has expired or was left behind by crashes: found, and removed by the janitor's own code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from client.ops.leftovers import Leftovers, count_uploads
from client.ops.service import Service
from shared.database import transact
from shared.tables import Job
from worker import leftovers
from worker.purge import dead_uploads, expired_jobs, purge_all
from worker.retention import retain
from worker.sweep import put_right, survey
from worker.toolkit import Toolkit


@dataclass(frozen=True)
class Expired:
    """What ``remove`` would remove.

    Attributes:
        told: How much it is.
        fault: Why storage and database do not seem to be of one service, if they do not.
        found: Where they differ.
    """

    told: Leftovers
    fault: str | None
    found: leftovers.Leftovers


def find(service: Service) -> Expired:
    """Return what ``remove`` would remove."""
    found = survey(_kit(service))
    jobs, uploads, upload_bytes = transact(service.engine, _count)
    told = Leftovers(
        jobs,
        uploads,
        upload_bytes,
        len(found.orphans),
        len(found.lost_uploads),
        len(found.lost_artifacts),
    )
    return Expired(told, found.fault, found)


def remove(service: Service, expired: Expired) -> Leftovers:
    """Remove what has expired or was left behind, and return what that was."""
    kit, before = _kit(service), transact(service.engine, _count)
    purge_all(kit)
    after = transact(service.engine, _count)
    removed = Counter(put_right(kit, expired.found))
    retain(kit)
    # A janitor may have been at it too: what is gone is gone.
    jobs, uploads, upload_bytes = (max(0, old - new) for old, new in zip(before, after, strict=True))
    return Leftovers(jobs, uploads, upload_bytes, removed["files"], removed["upload"], removed["artifacts"])


def _count(session: Session) -> tuple[int, int, int]:
    jobs = session.scalars(select(func.count()).select_from(Job).where(expired_jobs())).one()
    return (jobs, *count_uploads(session, dead_uploads()))


def _kit(service: Service) -> Toolkit:
    return Toolkit(service.settings, service.engine, service.open_storage())
