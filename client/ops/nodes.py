"""The workers that are up, as they answer over the broker."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from celery import Celery

from shared.queue import make_celery, ping
from shared.settings import Settings

# A worker answers in milliseconds; who is to be heard of in time must be waited for, since nobody knows how
# many there are.
PATIENCE_S = 1.0
ANSWER_S = 5.0
PREFIX = "avemotion."


@dataclass(frozen=True)
class Task:
    """What a process of a worker runs.

    Attributes:
        stage: The stage that it was woken up for; it may have gone on with those that follow.
        subject: ``job`` or ``segment``.
        id: Of the job or segment.
        for_s: Seconds since it began, by the clock of this machine.
        message: Id of the message, by which the worker knows it.
    """

    stage: str
    subject: str
    id: str
    for_s: float
    message: str = ""


@dataclass(frozen=True)
class Node:
    """A worker.

    Attributes:
        name: ``role@host``.
        processes: Its pool's size.
        queues: From which it takes work; none while it is drained.
        tasks: What runs now.
        taken: Messages that it holds and has not begun.
    """

    name: str
    processes: int
    queues: tuple[str, ...]
    tasks: tuple[Task, ...]
    taken: int

    @property
    def role(self) -> str:
        """Return ``media``, ``express`` or ``inference``."""
        return self.name.partition("@")[0]

    @property
    def host(self) -> str:
        """Return the name of its machine or container."""
        return self.name.partition("@")[2]


def open_app(settings: Settings) -> Celery:
    """Return the Celery application that asks the workers, once the broker is known to answer.

    Raises:
        redis.RedisError: It does not.
    """
    # Celery would try for ever.
    ping(settings)
    return make_celery(settings)


def find_names(app: Celery, patience_s: float = PATIENCE_S) -> list[str]:
    """Return the names of the workers that answer in time, sorted."""
    answers = app.control.inspect(timeout=patience_s).ping() or {}
    return sorted(answers)


def read_nodes(settings: Settings, patience_s: float = PATIENCE_S) -> list[Node]:
    """Return the workers that answer in time, in the order of their names.

    Raises:
        redis.RedisError: The broker does not answer.
    """
    app = open_app(settings)
    names = find_names(app, patience_s)
    return describe(app, names) if names else []


def describe(app: Celery, names: Iterable[str]) -> list[Node]:
    """Return what these workers are and do; those that no longer answer are left out."""
    wanted = sorted(names)
    # As many answers as workers: nothing is waited for once they are there.
    ask = app.control.inspect(destination=wanted, timeout=ANSWER_S, limit=len(wanted))
    stats, queues = ask.stats() or {}, ask.active_queues() or {}
    active, reserved = ask.active() or {}, ask.reserved() or {}
    now_s = time.time()
    return [
        Node(
            name=name,
            processes=int(stats[name].get("pool", {}).get("max-concurrency", 0)),
            queues=tuple(str(queue["name"]) for queue in queues.get(name) or ()),
            tasks=tuple(task_of(each, now_s) for each in active.get(name) or ()),
            taken=len(reserved.get(name) or ()),
        )
        for name in wanted
        if name in stats
    ]


def task_of(answer: Mapping[str, Any], now_s: float) -> Task:
    """Return a task as Celery describes it.

    Args:
        answer: One of ``inspect active``.
        now_s: Unix time.
    """
    stage = str(answer["name"]).removeprefix(PREFIX)
    key = str(next(iter(answer.get("args") or ()), "-"))
    began_s = answer.get("time_start") or now_s
    subject = "job" if stage == "ingest" else "segment"
    return Task(stage, subject, key, max(0.0, now_s - began_s), str(answer.get("id", "")))
