"""The outbox: webhooks are written in the transaction that ends their job, so that none can get lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from shared.tables import Batch, Job, JobStatus, Webhook

BATCH_FINISHED = "batch.finished"


class End(NamedTuple):
    """The end of a job that wants to be told."""

    job_id: UUID
    status: JobStatus
    url: str


def announce_jobs(session: Session, ends: Iterable[End]) -> None:
    """Write the webhooks of jobs that end in this transaction."""
    rows = [
        {"job_id": end.job_id, "event": f"job.{end.status.value}", "receiver": receiver_name(end.url)}
        for end in ends
    ]
    if rows:
        session.execute(insert(Webhook), rows)


def announce_batch(session: Session, batch_id: UUID, url: str) -> None:
    """Write the webhook of a batch whose end was noticed; its row is locked."""
    row = {"batch_id": batch_id, "event": BATCH_FINISHED, "receiver": receiver_name(url)}
    session.execute(insert(Webhook), [row])


def withdraw_jobs(session: Session, job_ids: Sequence[UUID]) -> None:
    """Take back whatever was to be told of locked jobs, and forget what was."""
    session.execute(delete(Webhook).where(Webhook.job_id.in_(job_ids)))


def withdraw_batch(session: Session, batch: Batch) -> None:
    """Take back whatever was to be told of a locked batch, and let its next end be noticed."""
    session.execute(delete(Webhook).where(Webhook.batch_id == batch.id))
    batch.announced_at = None


def withdraw_end(session: Session, job: Job) -> None:
    """Take back the end of a locked job that begins anew, and with it that of its batch."""
    withdraw_jobs(session, [job.id])
    if job.batch_id is None:
        return
    # Locked: the janitor, which may be about to notice the end, looks under the same lock.
    announcing = select(Batch).where(Batch.id == job.batch_id, Batch.webhook_url.is_not(None))
    batch = session.scalars(announcing.with_for_update(key_share=True)).one_or_none()
    if batch is not None:
        withdraw_batch(session, batch)


def receiver_name(url: str) -> str:
    """Return host and port of a normalised address."""
    return urlsplit(url).netloc
