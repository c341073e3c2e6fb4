"""Spans of stages: each under the request that made its job, by the job's row.

What a message carried does not matter: the janitor may have sent it again, and one process runs several
stages for one. A stage whose worker died leaves no span; the one that runs it again does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from shared import tracing
from shared.database import transact
from shared.queue import EVERYWHERE, queue_name
from shared.tables import Job, Stage, StageName
from worker.assignment import Assignment
from worker.toolkit import Toolkit
from worker.window_lease import BatchClaim

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from shared.tracing.telemetry import Telemetry

log = structlog.stdlib.get_logger(__name__)

# Of the stage or batch that this thread, or one that it started, is at.
_spans: ContextVar[tuple[Span, ...]] = ContextVar("spans", default=())


@contextmanager
def traced(assignment: Assignment, kit: Toolkit) -> Iterator[None]:
    """Let the block, which runs a claimed stage, be a span of its job's trace, and its wait be another."""
    telemetry, job, claimed = tracing.running(), assignment.job, assignment.claim
    if telemetry is None or job.trace_parent is None:
        yield
        return
    context = telemetry.under(job.trace_parent)
    place = {
        "job_id": str(job.id),
        **({} if claimed.segment_id is None else {"segment_id": str(claimed.segment_id)}),
        "stage": claimed.name.value,
        "queue": queue_name(claimed.name, job.priority, job.analyzer),
    }
    facts: dict[str, str | int] = {"attempt": job.attempt}
    rows = _read(kit, select(Stage.published_at, Stage.losses, NOW).where(Stage.id == claimed.stage_id))
    for row in rows:
        _wait(telemetry, row, context, place)
        facts["losses"] = row.losses
    if claimed.name is StageName.FACES:
        facts["analyzer"] = job.analyzer
    span = telemetry.begin(claimed.name.value, {**place, **facts}, context=context, kind=_consumer())
    with _at_hand((span,)):
        yield


@contextmanager
def traced_batch(batch: BatchClaim, kit: Toolkit) -> Iterator[None]:
    """Let the block, which runs a model batch, be a span of its own, and one in the trace of each job.

    They are linked: a batch serves many jobs, and belongs to none of them.
    """
    telemetry = tracing.running()
    if telemetry is None:
        yield
        return
    numbers: dict[UUID, int] = {}
    for window in batch.windows:
        numbers[window.segment_id] = numbers.get(window.segment_id, 0) + 1
    rows = _read(
        kit,
        select(Stage.published_at, NOW, Stage.segment_id, Job.id, Job.priority, Job.attempt, Job.trace_parent)
        .join(Job, Job.id == Stage.job_id)
        .where(
            Stage.segment_id.in_(list(numbers)),
            Stage.name == StageName.INFERENCE,
            Job.trace_parent.is_not(None),
        ),
    )
    whole: dict[str, str | int] = {"model": batch.model, "batch_windows": len(batch.windows)}
    parts = []
    for row in rows:
        context = telemetry.under(row.trace_parent)
        place = {
            "job_id": str(row.id),
            "segment_id": str(row.segment_id),
            "stage": StageName.INFERENCE.value,
            "queue": queue_name(StageName.INFERENCE, row.priority, EVERYWHERE),
        }
        _wait(telemetry, row, context, place)
        facts = {**place, **whole, "attempt": row.attempt, "windows": numbers[row.segment_id]}
        parts.append((facts, context))
    if not parts:
        yield
        return
    from opentelemetry.context import Context  # noqa: PLC0415 - only while traces are on

    kind = _consumer()
    spans = [telemetry.begin("inference", facts, context=context, kind=kind) for facts, context in parts]
    own = telemetry.begin("batch", whole, context=Context(), kind=kind, links=spans)
    for span in spans:
        span.add_link(own.get_span_context())
    with _at_hand((own, *spans)):
        yield


def note_outcome(outcome: str, error: BaseException | None) -> None:
    """Say how the stage or batch at hand ended."""
    spans = _spans.get()
    if not spans:
        return
    from shared.tracing.telemetry import fail  # noqa: PLC0415 - only while traces are on

    code = getattr(getattr(error, "code", None), "code", None) or outcome
    for span in spans:
        span.set_attribute("avemotion.outcome", outcome)
        # A stage that another has, or whose job ended, did not go wrong.
        if error is not None and outcome != "given_up":
            fail(span, code)


def end_at_once(outcome: str) -> None:
    """End the spans at hand and send them: this process is about to be killed."""
    spans = _spans.get()
    if spans:
        note_outcome(outcome, TimeoutError())
        for span in reversed(spans):
            span.end()
        tracing.end_tracing()


def mark(name: str, job: Job, attributes: Mapping[str, str | int]) -> None:
    """Leave a mark in a job's trace: a span without length."""
    telemetry = tracing.running()
    if telemetry is not None and job.trace_parent is not None:
        context = telemetry.under(job.trace_parent)
        telemetry.begin(name, {"job_id": str(job.id), **attributes}, context=context).end()


NOW = func.clock_timestamp().label("now")


def _consumer() -> Any:
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 - only while traces are on

    return SpanKind.CONSUMER


@contextmanager
def _at_hand(spans: tuple[Span, ...]) -> Iterator[None]:
    """Have the first of some spans be the one at hand in the block, and end all of them with it."""
    from shared.tracing.telemetry import at_hand  # noqa: PLC0415 - only while traces are on

    before = _spans.set(spans)
    try:
        with at_hand(spans[0]):
            yield
    finally:
        _spans.reset(before)
        for span in reversed(spans):
            span.end()


def _wait(telemetry: Telemetry, row: Any, context: Any, place: Mapping[str, str | int]) -> None:
    """Make the span of a wait that is over: since its message was sent, by the database's clock."""
    # A stage that is gone on with has no message, and waited for nothing.
    if row.published_at is not None:
        waited = telemetry.begin(
            f"queue {place['stage']}", place, context=context, start_ns=_nanoseconds(row.published_at)
        )
        waited.end(_nanoseconds(row.now))


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000


def _read(kit: Toolkit, statement: Any) -> list[Any]:
    """Return rows for a trace: none where the database is away, for nothing fails by its trace."""

    def read(session: Session) -> list[Any]:
        return list(session.execute(statement).all())

    try:
        return transact(kit.engine, read)
    except SQLAlchemyError as error:
        log.warning("span not made", error=type(error).__name__)
        return []
