"""Processes of workers that run what they no longer hold, and how to end them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple
from uuid import UUID

import typer
from celery import Celery
from sqlalchemy import select
from sqlalchemy.orm import Session

from client.ops.nodes import ANSWER_S, PATIENCE_S, Node, Task, describe, find_names, open_app
from client.ops.selection import Yes
from client.ops.service import Service, open_service
from client.ops.words import age, ask, number, read_age
from client.ops.workers import Timeout
from client.render.text import printable
from shared.database import transact
from shared.tables import Prediction, Stage, StageName, WorkStatus

# A process claims its work as soon as it has the message, and goes on with what it holds: for so long without
# anything held, it is frozen.
LONG_S = 60.0
After = Annotated[
    float | None,
    typer.Option(parser=read_age, metavar="AGE", help="For how long they have had it; 60s if unset."),
]


class Stuck(NamedTuple):
    """A process that has had a task for long, and holds nothing of it.

    Attributes:
        worker: Name of its worker.
        task: What it says that it runs.
    """

    worker: str
    task: Task

    def __str__(self) -> str:
        """Return it in words."""
        task = self.task
        what = f"{printable(task.stage)} of {task.subject} {printable(task.id)}"
        return f"{printable(self.worker)} has had {what} for {age(task.for_s)}, and no longer holds it"


def unstick(*, after: After = None, timeout: Timeout = PATIENCE_S, yes: Yes = False) -> None:
    """Kill the processes of workers that are frozen: they have had a task for long, and lost its lease.

    Their workers start others in their place; the work was taken back when the lease ran out.
    """
    with open_service() as service:
        app = open_app(service.broker_settings)
        names = find_names(app, timeout)
        found = find_stuck(service, describe(app, names) if names else [], after or LONG_S)
        for each in found:
            typer.echo(f"{each}.", err=True)
        ask(len(found), f"{number(len(found), 'process', 'processes')} would be killed. Go on?", yes=yes)
        for each in found:
            kill(app, each)
        typer.echo(f"{number(len(found), 'process is', 'processes are')} killed.", err=True)


def find_stuck(service: Service, nodes: Sequence[Node], after_s: float = LONG_S) -> list[Stuck]:
    """Return the processes that have had a task for so many seconds and hold nothing of it."""
    late = [Stuck(node.name, task) for node in nodes for task in node.tasks if task.for_s >= after_s]
    if not late:
        return []
    return transact(
        service.engine, lambda session: [each for each in late if not is_held(session, each.task)]
    )


def is_held(session: Session, task: Task) -> bool:
    """Tell whether somebody holds a unit of what a task is about; who cannot be told holds it."""
    if task.stage == StageName.INFERENCE:
        # A wake-up of the model takes the windows of any segments.
        windows = select(Prediction.id).where(Prediction.status == WorkStatus.LEASED)
        return session.scalar(windows.limit(1)) is not None
    try:
        key = UUID(task.id)
    except ValueError:
        return True
    about = Stage.job_id == key if task.subject == "job" else Stage.segment_id == key
    held = select(Stage.id).where(about, Stage.status == WorkStatus.LEASED)
    return session.scalar(held.limit(1)) is not None


def kill(app: Celery, stuck: Stuck) -> None:
    """Have a worker kill the process that has a task; a frozen one hears of no other signal."""
    app.control.revoke(
        stuck.task.message,
        destination=[stuck.worker],
        terminate=True,
        signal="SIGKILL",
        reply=True,
        timeout=ANSWER_S,
    )
