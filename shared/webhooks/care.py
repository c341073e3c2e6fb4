"""What operators do with webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from shared.tables import Job, Webhook, WebhookState

FAILED = text("state = 'failed'")


def list_webhooks(session: Session, state: WebhookState | None, limit: int) -> Sequence[Webhook]:
    """Return webhooks, newest first, of one state or of all."""
    chosen = select(Webhook).order_by(Webhook.id.desc()).limit(limit)
    if state is not None:
        chosen = chosen.where(Webhook.state == state)
    return session.scalars(chosen).all()


def resend_webhooks(session: Session, webhook_id: UUID | None) -> int:
    """Let a webhook be sent again, or all that were given up, with all their tries; return how many.

    One that is still to be delivered is left alone. The id stays: receivers may know it already.
    """
    chosen = FAILED if webhook_id is None else (Webhook.id == webhook_id)
    wanted = (Webhook.state != WebhookState.PENDING) & chosen
    # The jobs first, as everywhere, in one order. Their documents change, and with them their versions.
    jobs = select(Job.id).where(Job.id.in_(select(Webhook.job_id).where(wanted)))
    session.execute(jobs.order_by(Job.id).with_for_update(key_share=True))
    again = session.execute(
        update(Webhook)
        .where(wanted)
        .values(state=WebhookState.PENDING, tries=0, next_try_at=func.now())
        .returning(Webhook.job_id)
        .execution_options(synchronize_session=False)
    ).all()
    session.execute(
        update(Job)
        .where(Job.id.in_([row.job_id for row in again if row.job_id]))
        .values(version=Job.version + 1)
        .execution_options(synchronize_session=False)
    )
    return len(again)
