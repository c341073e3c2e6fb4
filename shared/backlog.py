"""What waits for a worker, counted from the database: the truth about the queues.

A broker's list does not say it: messages get lost, come twice, or lie with a worker that has not begun.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, case, false, func, literal_column, or_, select
from sqlalchemy.orm import Session

from shared.queue import EVERYWHERE, INFERENCE, MEDIA, queue_name, queue_names
from shared.tables import Job, Prediction, Priority, Stage, StageName, WorkStatus

# In words, not as a value: only so is the partial index of ready stages sure to be used.
READY = Stage.status == literal_column(f"'{WorkStatus.READY.value}'")
# A message that was never sent, or a stage that was given back, waits from then on.
WAITS_SINCE = func.coalesce(Stage.published_at, Stage.not_before, Stage.created_at)


class ReadyCount(NamedTuple):
    """Ready stages of one queue.

    Attributes:
        ready: How many there are.
        late: How many of them were sent long ago.
        oldest_s: For how long the oldest has been waiting.
    """

    ready: int
    late: int
    oldest_s: float


def due() -> ColumnElement[bool]:
    """Return the condition that a stage's backoff has passed."""
    return or_(Stage.not_before.is_(None), Stage.not_before <= func.now())


def count_ready(
    session: Session, late: ColumnElement[bool] | None = None
) -> dict[tuple[StageName, Priority, str], ReadyCount]:
    """Count ready stages by name, priority and analyzer: one row a queue.

    Args:
        session: A transaction.
        late: What makes a stage late; none is when left out.
    """
    queue = (Stage.name, Job.priority, queue_analyzer())
    waited_s = func.extract("epoch", func.now() - func.min(WAITS_SINCE))
    rows = session.execute(
        select(*queue, func.count(), func.count().filter(false() if late is None else late), waited_s)
        .join(Job, Job.id == Stage.job_id)
        .where(READY, due(), has_work())
        .group_by(*queue)
    )
    return {
        (name, priority, analyzer): ReadyCount(ready, late_ones, max(0.0, float(oldest_s)))
        for name, priority, analyzer, ready, late_ones, oldest_s in rows
    }


def backlog(session: Session) -> dict[str, ReadyCount]:
    """Return what waits in each queue, by its name; empty queues are among them."""
    found = {queue_name(*queue): count for queue, count in count_ready(session).items()}
    names = (name for resource in (MEDIA, INFERENCE) for name in queue_names(resource))
    return {name: found.get(name, ReadyCount(0, 0, 0.0)) for name in names}


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
