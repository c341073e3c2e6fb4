"""The way of a segment through one process: stages one after another, with no message between them.

A message costs more than a short stage, and the next process would fetch again what this one has at hand.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable
from functools import partial
from importlib import import_module
from multiprocessing.sharedctypes import RawValue
from types import FrameType
from typing import Any, cast

from celery.signals import worker_ready

from shared.queue import MEDIA, RESOURCE, queue_name
from shared.tables import Job, StageName
from worker.assignment import Assignment
from worker.runner import Work, run_stage

# Shared with the children, which are forked later: told to stop, they end after the stage at hand.
_closing = RawValue("b", 0)
_served: set[str] = set()


def serve(queues: Iterable[str]) -> None:
    """Go on with the stages that wait in these queues; said before the children are forked."""
    _served.clear()
    _served.update(queues)


@worker_ready.connect(weak=False)
def _heed(**_: Any) -> None:
    """Hear that the worker is to stop before Celery does, which says so only when it has waited for tasks."""

    def close(before: Any, number: int, frame: FrameType | None) -> None:
        _closing.value = 1
        if callable(before):
            before(number, frame)

    for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
        signal.signal(number, partial(close, signal.getsignal(number)))


def stays(name: StageName, job: Job) -> bool:
    """Tell whether this process goes on with a stage: it serves the queue that the stage would wait in."""
    if _closing.value or RESOURCE[name] != MEDIA:
        return False
    return queue_name(name, job.priority, job.analyzer) in _served


def walk(assignment: Assignment) -> list[StageName]:
    """Run a claimed stage, and those after it that this process may run; return them all.

    Raises:
        Ignore: The last of them is not done, and nothing may follow it.
    """
    done = []
    following: Assignment | None = assignment
    while following is not None:
        done.append(following.claim.name)
        following = run_stage(following, work_of(following.claim.name), stays)
    return done


def work_of(name: StageName) -> Work:
    """Import what a stage does: media and model libraries are loaded where they are needed only."""
    return cast("Work", import_module(f"worker.stages.{name.value}").run)
