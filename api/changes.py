"""What a client may do to a job once it is there."""

from __future__ import annotations

from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from api.polling import job_missing
from api.quotas.jobs import check_jobs
from api.services import Services
from api.tracing import job_trace_parent
from shared.database import transact
from shared.erasure import PATIENCE_S, erase_job, hide_job
from shared.lifecycle import cancel_job, lock_job
from shared.retrying import RETRIED, retry_job
from shared.tables import Job, Priority

log = structlog.stdlib.get_logger(__name__)


def cancel(job_id: UUID, owner_id: UUID | None, to: Services) -> None:
    """End an open job as cancelled.

    Raises:
        AvemotionError: There is no such job, or it has succeeded or failed.
    """

    def work(session: Session) -> None:
        cancel_job(session, lock_own(session, job_id, owner_id), to.settings)

    transact(to.engine, work)


def retry(job_id: UUID, owner_id: UUID | None, to: Services) -> None:
    """Begin a failed or cancelled job anew.

    Raises:
        AvemotionError: There is no such job, it is in another state, or its media are gone.
    """

    def work(session: Session) -> Priority:
        job = lock_own(session, job_id, owner_id)
        if job.status in RETRIED:
            check_jobs(session, owner_id, 1, to.settings)
        retry_job(session, job, to.storage, to.settings)
        job.trace_parent = job_trace_parent(of_many=False) or job.trace_parent
        return job.priority

    priority = transact(to.engine, work)
    to.publisher.send([(job_id, priority)])


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
    else:
        # Whoever restores a backup has to erase it once more.
        log.info("job erased", job_id=str(job_id))


def lock_own(session: Session, job_id: UUID, owner_id: UUID | None) -> Job:
    """Return an owner's job, locked.

    Raises:
        AvemotionError: There is no such job.
    """
    job = lock_job(session, job_id)
    if job is None or job.owner_id != owner_id or job.deleted_at is not None:
        raise job_missing(job_id)
    return job
