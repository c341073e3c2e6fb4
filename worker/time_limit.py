"""The time limit of a stage, by the process's own clock.

Celery's limits count from the message, and a process may run several stages for one.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from worker.tracing import end_at_once
from worker.watch import watch_of


class TimeLimitError(Exception):
    """The stage has had its time."""


@contextmanager
def time_limit(soft_s: float, hard_s: float, last_words: Callable[[], object]) -> Iterator[None]:
    """Interrupt the block, which the main thread runs, when it takes too long.

    After ``soft_s`` it is interrupted by ``TimeLimitError``. Code that does not come back to Python does not
    hear of that: after ``hard_s`` another thread calls ``last_words`` and kills the process.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise TimeLimitError

    def kill() -> None:
        try:
            last_words()
            end_at_once("timeout")
        finally:
            os.kill(os.getpid(), signal.SIGKILL)

    watch = watch_of("hard limit", hard_s)
    before = signal.signal(signal.SIGALRM, interrupt)
    watch.begin(kill)
    signal.setitimer(signal.ITIMER_REAL, soft_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        watch.end()
        signal.signal(signal.SIGALRM, before)
