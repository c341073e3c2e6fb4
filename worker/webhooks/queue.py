"""The queue: which webhooks are due, who delivers them, and what became of them.

A claim is a lease in database time with a fencing token, as for all work. It lasts longer than the try that
it is for, so no webhook is sent twice at a time, and one whose janitor died is due again when it runs out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.settings import Settings
from shared.tables import Job, Webhook, WebhookOutcome, WebhookState, WebhookTally
from worker.webhooks.backoff import pause_s
from worker.webhooks.sending import Try

# Between the end of a try and that of its lease: for a database that is slow to take the outcome.
GRACE_S = 30.0
# Each receiver's oldest, however many wait for another: a scan that skips from one receiver to the next.
# The state in words, not as a value: only so is the partial index sure to be used.
DUE_SQL = text(
    """
    WITH RECURSIVE receivers (receiver) AS (
        SELECT min(receiver) FROM webhooks WHERE state = 'pending'
        UNION ALL
        SELECT (SELECT min(receiver) FROM webhooks WHERE state = 'pending' AND receiver > receivers.receiver)
        FROM receivers WHERE receiver IS NOT NULL
    )
    SELECT due.id, receivers.receiver, due.next_try_at
    FROM receivers CROSS JOIN LATERAL (
        SELECT id, next_try_at FROM webhooks
        WHERE state = 'pending' AND webhooks.receiver = receivers.receiver
            AND next_try_at <= now() AND (lease_until IS NULL OR lease_until < now())
        ORDER BY next_try_at LIMIT :per_receiver
    ) AS due
    """
)


class Due(NamedTuple):
    """A webhook that could be sent now."""

    webhook_id: UUID
    receiver: str
    next_try_at: datetime


@dataclass(frozen=True)
class Claim:
    """A webhook that is ours to send.

    Attributes:
        webhook_id: Which.
        token: Proves that it still is ours.
        tries: Its number, from 1.
        job_id: The job whose end it tells, or
        batch_id: the batch.
        event: Type of the event.
        receiver: Host and port.
        happened_at: When its transaction ended the job.
        now: Time of the claim, by the database.
    """

    webhook_id: UUID
    token: int
    tries: int
    job_id: UUID | None
    batch_id: UUID | None
    event: str
    receiver: str
    happened_at: datetime
    now: datetime


def find_due(session: Session, per_receiver: int) -> list[Due]:
    """Return webhooks that are due, the oldest of each receiver."""
    return [Due._make(row) for row in session.execute(DUE_SQL, {"per_receiver": per_receiver})]


def claim(session: Session, webhook_ids: Sequence[UUID], settings: Settings) -> list[Claim]:
    """Claim those of some webhooks that are still due; others' claims are not waited for."""
    free = or_(Webhook.lease_until.is_(None), Webhook.lease_until < func.now())
    still_due = (
        select(Webhook.id)
        .where(
            Webhook.id.in_(webhook_ids),
            Webhook.state == WebhookState.PENDING,
            Webhook.next_try_at <= func.now(),
            free,
        )
        .with_for_update(skip_locked=True)
    )
    lease = timedelta(seconds=settings.webhook_timeout_s + GRACE_S)
    rows = session.execute(
        update(Webhook)
        .where(Webhook.id.in_(session.scalars(still_due).all()))
        .values(token=Webhook.token + 1, tries=Webhook.tries + 1, lease_until=func.now() + lease)
        .returning(
            *(Webhook.id, Webhook.token, Webhook.tries, Webhook.job_id, Webhook.batch_id),
            *(Webhook.event, Webhook.receiver, Webhook.created_at, func.now()),
        )
        .execution_options(synchronize_session=False)
    )
    return [Claim(*row) for row in rows]


def settle(session: Session, claimed: Claim, tried: Try, settings: Settings) -> bool:
    """Write down what became of a try; False if the claim is gone: taken over, withdrawn or erased."""
    if claimed.job_id is not None:
        # The job first, as everywhere. Its document changes, and with it its version.
        session.execute(select(Job.id).where(Job.id == claimed.job_id).with_for_update(key_share=True))
    state = state_after(claimed.tries, tried.outcome, settings)
    pause = timedelta(seconds=pause_s(claimed.tries, settings, tried.retry_after_s))
    settled = session.scalar(
        update(Webhook)
        .where(Webhook.id == claimed.webhook_id, Webhook.token == claimed.token)
        .values(
            state=state,
            lease_until=None,
            attempts=claimed.tries,
            next_try_at=func.now() + pause,
            last_try_at=claimed.now,
            last_outcome=tried.outcome,
            last_status=tried.status,
        )
        .returning(Webhook.id)
        .execution_options(synchronize_session=False)
    )
    if settled is None:
        return False
    if claimed.job_id is not None:
        session.execute(
            update(Job)
            .where(Job.id == claimed.job_id)
            .values(version=Job.version + 1)
            .execution_options(synchronize_session=False)
        )
    # Last: every janitor writes this row, and holds it until its commit.
    count = insert(WebhookTally).values(outcome=tried.outcome, tries=1)
    session.execute(
        count.on_conflict_do_update(
            index_elements=[WebhookTally.outcome], set_={"tries": WebhookTally.tries + 1}
        )
    )
    return True


def state_after(tries: int, outcome: WebhookOutcome, settings: Settings) -> WebhookState:
    """Return where a webhook stands after so many tries, the last of which ended so."""
    if outcome is WebhookOutcome.DELIVERED:
        return WebhookState.DELIVERED
    if outcome is WebhookOutcome.GONE or tries >= settings.webhook_tries:
        return WebhookState.FAILED
    return WebhookState.PENDING
