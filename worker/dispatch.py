"""Sending the messages of stages that are ready."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from celery import Celery
from sqlalchemy import ColumnElement, Engine, func, or_, select, update
from sqlalchemy.orm import Session

from shared.backlog import count_ready, due, has_work, queue_analyzer
from shared.database import transact
from shared.queue import ingest_message, publish, queue_lengths, queue_name, segment_message
from shared.tables import Job, Priority, Segment, Stage, StageName, WorkStatus
from worker.toolkit import Toolkit

ROUND_ROWS = 500


@dataclass(frozen=True)
class Wakeup:
    """A ready stage, and the message that wakes a worker for it and for what follows."""

    stage_id: UUID
    job_id: UUID
    segment_id: UUID | None
    priority: Priority
    analyzer: str
    names: tuple[StageName, ...]


def unsent() -> ColumnElement[bool]:
    """Return the condition that a stage's message was never sent."""
    return Stage.published_at.is_(None)


def overdue(age_s: float) -> ColumnElement[bool]:
    """Return the condition that a stage's message was sent long ago, or never."""
    return or_(unsent(), Stage.published_at < func.now() - timedelta(seconds=age_s))


def send_ready(engine: Engine, app: Celery, condition: ColumnElement[bool], limit: int = ROUND_ROWS) -> int:
    """Send the messages of up to ``limit`` ready stages that meet ``condition``, oldest first.

    Rows are marked as sent before the messages go out, and unmarked if the broker does not take
    them. Several processes may do this at once. Returns how many messages went out.
    """
    wakeups = transact(engine, lambda session: mark_sent(session, condition, limit))
    sent = 0
    for position, wakeup in enumerate(wakeups):
        if not send(app, wakeup):
            left = [each.stage_id for each in wakeups[position:]]
            transact(engine, lambda session: unmark(session, left))  # noqa: B023 - called at once
            break
        sent += 1
    return sent


def mark_sent(session: Session, condition: ColumnElement[bool], limit: int) -> list[Wakeup]:
    """Mark ready stages as sent and return their wake-ups."""
    ids = session.scalars(
        select(Stage.id)
        .where(Stage.status == WorkStatus.READY, due(Stage), condition)
        .order_by(Stage.published_at.asc().nulls_first(), Stage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if not ids:
        return []
    session.execute(update(Stage).where(Stage.id.in_(ids)).values(published_at=func.now()))
    rows = session.execute(
        select(
            *(Stage.id, Stage.job_id, Stage.segment_id, Stage.name),
            *(Job.priority, Job.analyzer, Segment.index),
        )
        .join(Job, Job.id == Stage.job_id)
        .outerjoin(Segment, Segment.id == Stage.segment_id)
        .where(Stage.id.in_(ids))
        .order_by(Job.id, Segment.index)
    ).all()
    ahead = names_ahead(session, [row.segment_id for row in rows if row.segment_id])
    return [
        Wakeup(
            row.id,
            row.job_id,
            row.segment_id,
            row.priority,
            row.analyzer,
            ahead.get(row.segment_id, (row.name,)),
        )
        for row in rows
    ]


def names_ahead(session: Session, segments: Sequence[UUID]) -> dict[UUID | None, tuple[StageName, ...]]:
    """Return for each segment its stages that are not done, in their order."""
    order = list(StageName)
    ahead: dict[UUID | None, list[StageName]] = defaultdict(list)
    for row in session.execute(
        select(Stage.segment_id, Stage.name).where(
            Stage.segment_id.in_(segments), Stage.status != WorkStatus.DONE
        )
    ):
        ahead[row.segment_id].append(row.name)
    return {segment: tuple(sorted(names, key=order.index)) for segment, names in ahead.items()}


def send_lost(kit: Toolkit, app: Celery) -> int:
    """Send again the messages that seem lost; return how many.

    Another message for a row that has one in its queue would only make the queue longer.
    """
    late = overdue(kit.settings.republish_after_s)
    ready = transact(kit.engine, lambda session: count_ready(session, late))
    if not any(count.late for count in ready.values()):
        return 0
    lengths = queue_lengths(kit.settings)
    sent = 0
    for (name, priority, analyzer), count in ready.items():
        missing = count.missing(lengths[queue_name(name, priority, analyzer)])
        if missing:
            jobs = select(Job.id).where(Job.priority == priority, queue_analyzer() == analyzer)
            lost = late & (Stage.name == name) & Stage.job_id.in_(jobs) & has_work()
            sent += send_ready(kit.engine, app, lost, min(missing, ROUND_ROWS))
    return sent


def send(app: Celery, wakeup: Wakeup) -> bool:
    """Send one wake-up; tell whether the broker took it."""
    if wakeup.segment_id is None:
        return publish(ingest_message(app, wakeup.job_id, wakeup.priority))
    return publish(segment_message(app, wakeup.segment_id, wakeup.names, wakeup.priority, wakeup.analyzer))


def unmark(session: Session, stage_ids: list[UUID]) -> None:
    """Mark stages as not sent."""
    session.execute(update(Stage).where(Stage.id.in_(stage_ids)).values(published_at=None))
