"""Spans of deliveries, in the traces of the jobs whose ends they tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from shared import tracing
from shared.database import transact
from shared.tables import Job, WebhookOutcome
from worker.webhooks.queue import Claim
from worker.webhooks.sending import Try

log = structlog.stdlib.get_logger(__name__)


@contextmanager
def traced_delivery(engine: Engine, claimed: Claim) -> Iterator[Callable[[Try], None]]:
    """Let the block, which sends a webhook, be a span; it calls what is yielded with what became of it.

    The receiver is told nothing of the trace.
    """
    telemetry = tracing.running()
    parent = None if telemetry is None else _parent(engine, claimed)
    if telemetry is None or parent is None:
        yield lambda _tried: None
        return
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 - only while traces are on

    from shared.tracing.telemetry import at_hand, fail  # noqa: PLC0415 - as above

    known: dict[str, str | int] = {
        "job_id": str(claimed.job_id),
        "webhook_id": str(claimed.webhook_id),
        "try": claimed.tries,
    }
    span = telemetry.begin("webhook", known, context=telemetry.under(parent), kind=SpanKind.CLIENT)

    def note(tried: Try) -> None:
        span.set_attribute("avemotion.outcome", tried.outcome.value)
        if tried.status is not None:
            span.set_attribute("http.response.status_code", tried.status)
        if tried.outcome is not WebhookOutcome.DELIVERED:
            fail(span, tried.outcome.value)

    try:
        with at_hand(span):
            yield note
    finally:
        span.end()


def _parent(engine: Engine, claimed: Claim) -> str | None:
    if claimed.job_id is None:
        return None
    try:
        wanted = select(Job.trace_parent).where(Job.id == claimed.job_id)
        return transact(engine, lambda session: session.scalar(wanted))
    except SQLAlchemyError as error:
        log.warning("span not made", webhook_id=str(claimed.webhook_id), error=type(error).__name__)
        return None
