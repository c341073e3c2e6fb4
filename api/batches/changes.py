"""What a client may do to a batch."""

from __future__ import annotations

from uuid import UUID

import structlog
from sqlalchemy import func
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from api.batches.finding import find_batch
from api.services import Services
from api.webhooks import Asked, check_webhooks, normalised
from shared.database import transact
from shared.erasure import hide_batch, hide_jobs_of
from shared.lifecycle import cancel_jobs, in_steps
from shared.schemas.batches import BatchRequest
from shared.tables import ENDED, Batch, Job

log = structlog.stdlib.get_logger(__name__)


def create_batch(body: BatchRequest, owner_id: UUID | None, to: Services) -> UUID:
    """Make a batch and return its id.

    Raises:
        AvemotionError: Its webhook cannot be sent.
    """
    if body.webhook_url is not None:
        check_webhooks([Asked("webhook_url", body.webhook_url)], to.settings)

    def work(session: Session) -> UUID:
        batch = Batch(name=body.name, owner_id=owner_id, webhook_url=normalised(body.webhook_url))
        session.add(batch)
        session.flush()
        return batch.id

    return transact(to.engine, work)


def close_batch(batch_id: UUID, owner_id: UUID | None, to: Services) -> None:
    """Let a batch take no more jobs.

    Raises:
        AvemotionError: There is no such batch.
    """

    def work(session: Session) -> None:
        batch = find_batch(session, batch_id, owner_id, lock=True)
        if batch.closed_at is None:
            batch.closed_at = func.now()

    transact(to.engine, work)


def cancel_batch(batch_id: UUID, owner_id: UUID | None, to: Services) -> None:
    """End all open jobs of a batch as cancelled; a request that broke off may be sent again.

    Raises:
        AvemotionError: There is no such batch.
    """
    transact(to.engine, lambda session: find_batch(session, batch_id, owner_id))
    in_steps(
        to.engine,
        (Job.batch_id == batch_id) & Job.status.not_in(ENDED),
        lambda session, jobs: cancel_jobs(session, jobs, to.settings),
    )


def erase_batch(batch_id: UUID, owner_id: UUID | None, to: Services) -> None:
    """Erase a batch with everything that only its jobs have.

    Once it is hidden nothing can bring it back: what fails then, and all files, are left to the janitor.

    Raises:
        AvemotionError: There is no such batch.
    """
    transact(
        to.engine,
        lambda session: hide_batch(session, find_batch(session, batch_id, owner_id, lock=True)),
    )
    try:
        hide_jobs_of(to.engine, batch_id, to.settings)
    except SQLAlchemyError as error:
        log.warning("erasure left to the janitor", batch_id=str(batch_id), error=type(error).__name__)
