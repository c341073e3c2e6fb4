"""Making the events of claimed webhooks from the jobs and batches that they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.batch_documents import documents_of
from shared.tables import Batch, Job, Prediction, WorkStatus
from shared.webhooks.documents import Event, batch_data, event_body, job_data
from worker.webhooks.queue import Claim


def make_event(session: Session, claimed: Claim) -> Event | None:
    """Return the event of a claimed webhook; ``None`` if nobody may be told any more."""
    if claimed.job_id is not None:
        job = session.get(Job, claimed.job_id)
        if job is None or job.deleted_at is not None or job.webhook_url is None:
            return None
        data = job_data(job, windows_of(session, job.id) if job.rules else ())
        return Event(
            claimed.webhook_id,
            job.webhook_url,
            job.owner_id,
            event_body(claimed.event, claimed.happened_at, data),
        )
    batch = session.get(Batch, claimed.batch_id)
    if batch is None or batch.deleted_at is not None or batch.webhook_url is None:
        return None
    [document] = documents_of(session, [batch], claimed.happened_at)
    return Event(
        claimed.webhook_id,
        batch.webhook_url,
        batch.owner_id,
        event_body(claimed.event, claimed.happened_at, batch_data(document)),
    )


def windows_of(session: Session, job_id: UUID) -> Sequence[Prediction]:
    """Return a job's ended windows in time order."""
    ended = (WorkStatus.DONE, WorkStatus.SKIPPED)
    return session.scalars(
        select(Prediction)
        .where(Prediction.job_id == job_id, Prediction.status.in_(ended))
        .order_by(Prediction.start_s)
    ).all()
