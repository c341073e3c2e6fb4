"""What waits in each queue, by the tables: to send messages that got lost, and to show it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, case, distinct, func, literal_column, or_, select
from sqlalchemy.orm import Session

from shared.queue import EVERYWHERE, queue_name
from shared.tables import Job, Prediction, Priority, Stage, StageName, WorkStatus

T = TypeVar("T")

# Messages that make up for a lost one that was for many: for several workers, who may all be idle.
FEW = 8

Place = tuple[StageName, Priority, str]
"""What names a queue: stage, priority, analyzer."""


class ReadyCount(NamedTuple):
    """Ready stages of one queue.

    Attributes:
        ready: How many may be claimed now.
        late: How many of them meet the condition that was asked about.
        oldest_s: Seconds since the oldest of them began to wait.
        together: Whether who is woken up takes all of them, as the model does with windows.
    """

    ready: int
    late: int
    oldest_s: float
    together: bool = False

    def missing(self, messages: int) -> int:
        """Return how many messages seem lost.

        While a queue holds a message for every ready row, an old message is not lost but waits its turn.
        Where one serves all, one is enough.
        """
        if not self.late:
            return 0
        if self.together:
            return 0 if messages else min(self.ready, FEW)
        return max(0, self.ready - messages)


def due(table: Any) -> ColumnElement[bool]:
    """Return the condition that a unit's backoff has passed."""
    return or_(table.not_before.is_(None), table.not_before <= func.now())


def unsent() -> ColumnElement[bool]:
    """Return the condition that a stage's message was never sent."""
    return Stage.published_at.is_(None)


def overdue(age_s: float) -> ColumnElement[bool]:
    """Return the condition that a stage's message was sent long ago, or never."""
    return or_(unsent(), Stage.published_at < func.now() - timedelta(seconds=age_s))


def queue_analyzer() -> ColumnElement[str]:
    """Return whose queue a stage waits in: analyzers have their own for ``faces`` alone."""
    return case((Stage.name == StageName.FACES, Job.analyzer), else_=literal_column(f"'{EVERYWHERE}'"))


def has_work() -> ColumnElement[bool]:
    """Return the condition that a ready stage can be claimed.

    An ``inference`` row stays ready while its windows are in the model: no message is missing then.
    """
    window = select(Prediction.id).where(
        Prediction.segment_id == Stage.segment_id, Prediction.status == WorkStatus.READY
    )
    return or_(Stage.name != StageName.INFERENCE, window.exists())


def count_ready(session: Session, late: ColumnElement[bool]) -> dict[Place, ReadyCount]:
    """Count ready stages by name, priority and analyzer: one row a queue.

    An ingest waits from the time its row was made; any other stage from the time its message was sent, which
    for a message that got lost is the last time.
    """
    queue = (Stage.name, Job.priority, queue_analyzer())
    since = case(
        (Stage.name == StageName.INGEST, Stage.created_at),
        else_=func.coalesce(Stage.published_at, Stage.created_at),
    )
    rows = session.execute(
        select(
            *queue,
            func.count(),
            func.count().filter(late),
            func.extract("epoch", func.now() - func.min(since)),
        )
        .join(Job, Job.id == Stage.job_id)
        .where(Stage.status == WorkStatus.READY, due(Stage), has_work())
        .group_by(*queue)
    )
    return {
        (name, priority, analyzer): ReadyCount(
            ready, late_ones, max(0.0, float(oldest_s)), name is StageName.INFERENCE
        )
        for name, priority, analyzer, ready, late_ones, oldest_s in rows
    }


def count_leased(session: Session) -> dict[Place, int]:
    """Count the stages that workers hold, as ``count_ready`` counts those that nobody does.

    Of ``inference``, workers hold windows: its segments are counted of which some are held.
    """
    queue = (Stage.name, Job.priority, queue_analyzer())
    stages = (
        select(*queue, func.count())
        .join(Job, Job.id == Stage.job_id)
        .where(Stage.status == WorkStatus.LEASED)
        .group_by(*queue)
    )
    windows = (
        select(Job.priority, func.count(distinct(Prediction.segment_id)))
        .join(Job, Job.id == Prediction.job_id)
        .where(Prediction.status == WorkStatus.LEASED)
        .group_by(Job.priority)
    )
    held: dict[Place, int] = {
        (name, priority, analyzer): count for name, priority, analyzer, count in session.execute(stages)
    }
    for priority, count in session.execute(windows):
        held[StageName.INFERENCE, priority, EVERYWHERE] = count
    return held


def by_queue(counts: Mapping[Place, T]) -> dict[str, T]:
    """Return counts by the names of their queues."""
    return {queue_name(*place): count for place, count in counts.items()}
