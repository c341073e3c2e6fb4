"""The way of a segment through one process: stages one after another, with no message between them.

A message costs more than a short stage, and the next process would fetch again what this one has at hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from multiprocessing.sharedctypes import RawValue
from typing import Any, cast

from celery.signals import worker_shutting_down

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


@worker_shutting_down.connect(weak=False)
def _close(**_: Any) -> None:
    _closing.value = 1


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
