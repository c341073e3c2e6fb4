"""Noticing the ends of batches that somebody is to be told of."""

from __future__ import annotations

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from shared.tables import Batch, Job
from shared.webhooks.outbox import announce_batch

ROUND_ROWS = 200


def announce_batches(session: Session) -> int:
    """Write the webhooks of batches that are closed and whose jobs have all ended; return how many.

    The ends of jobs do not touch their batch's row, and so never wait for each other. Here the row is
    locked first and the jobs are looked at second, by a statement of its own: a job that begins anew is
    either seen, or takes the webhook back after this.
    """
    unnoticed = text("webhook_url IS NOT NULL AND closed_at IS NOT NULL AND announced_at IS NULL")
    # In words, not as values: only so is the index of a batch's counts sure to be used.
    unfinished = select(Job.id).where(
        Job.batch_id == Batch.id, Job.deleted_at.is_(None), text("jobs.status IN ('queued', 'running')")
    )
    ended = ~unfinished.exists()
    candidates = (
        select(Batch.id)
        .where(unnoticed, Batch.deleted_at.is_(None), ended)
        .limit(ROUND_ROWS)
        .with_for_update(key_share=True, skip_locked=True)
    )
    rows = session.execute(
        update(Batch)
        .where(Batch.id.in_(session.scalars(candidates).all()), ended, Batch.announced_at.is_(None))
        .values(announced_at=func.now())
        .returning(Batch.id, Batch.webhook_url)
        .execution_options(synchronize_session=False)
    ).all()
    for row in rows:
        announce_batch(session, row.id, row.webhook_url)
    return len(rows)
