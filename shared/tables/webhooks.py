"""Webhooks: what is to be delivered, and what became of it."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from shared.tables.base import Base, CreatedAt, Id, words


class WebhookState(StrEnum):
    """Where a webhook stands."""

    PENDING = "pending"
    """It is still to be delivered."""
    DELIVERED = "delivered"
    """Its receiver took it."""
    FAILED = "failed"
    """It was given up."""


class WebhookOutcome(StrEnum):
    """What became of one try."""

    DELIVERED = "delivered"
    """The receiver answered with a status of success."""
    GONE = "gone"
    """It answered 410: nobody wants the event any more."""
    REDIRECTED = "redirected"
    """It answered with another address, which is not followed."""
    REJECTED = "rejected"
    """It answered with another status."""
    TIMEOUT = "timeout"
    """It did not answer in time."""
    UNREACHABLE = "unreachable"
    """Nobody took the connection."""
    TLS_FAILED = "tls_failed"
    """Its certificate is not valid, or encryption failed otherwise."""
    UNKNOWN_HOST = "unknown_host"
    """Its name stands for no address."""
    ADDRESS_REFUSED = "address_refused"
    """Its name leads where webhooks may not go; nothing was sent."""
    BROKEN_ANSWER = "broken_answer"
    """It closed the connection, or what it answered was no HTTP."""
    INTERNAL_ERROR = "internal_error"
    """It could not be made or sent here; the janitor's log says why."""


class Webhook(Base):
    """The event of one end of a job or a batch; its body is made from that when it is sent."""

    __tablename__ = "webhooks"
    __table_args__ = (
        CheckConstraint("num_nonnulls(job_id, batch_id) = 1", name="has_one_subject"),
        Index("ix_webhooks_pending", "receiver", "next_try_at", postgresql_where="state = 'pending'"),
        Index("ix_webhooks_failed", "id", postgresql_where="state = 'failed'"),
    )

    id: Mapped[Id]
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), unique=True)
    batch_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("batches.id", ondelete="CASCADE"), unique=True
    )
    event: Mapped[str] = mapped_column(comment="Type of the event, such as job.succeeded.")
    receiver: Mapped[str] = mapped_column(comment="Host and port; the whole address stands in its subject.")
    state: Mapped[WebhookState] = mapped_column(words(WebhookState), default=WebhookState.PENDING)
    token: Mapped[int] = mapped_column(default=0, comment="Fencing token; grows with each claim.")
    lease_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0, comment="Claims since it was made, or asked for again.")
    attempts: Mapped[int] = mapped_column(default=0, comment="Tries of those whose outcome is known.")
    next_try_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_try_at: Mapped[datetime | None]
    last_outcome: Mapped[WebhookOutcome | None] = mapped_column(words(WebhookOutcome))
    last_status: Mapped[int | None] = mapped_column(comment="HTTP status of the last answer.")
    created_at: Mapped[CreatedAt]


class WebhookTally(Base):
    """How many tries ended so, over all janitors and for ever: webhooks themselves go with their jobs."""

    __tablename__ = "webhook_tallies"

    outcome: Mapped[WebhookOutcome] = mapped_column(words(WebhookOutcome), primary_key=True)
    tries: Mapped[int] = mapped_column(BigInteger)
