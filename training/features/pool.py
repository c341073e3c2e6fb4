"""Work in several processes that may crash: what kills one is named, and the rest goes on.

Processes are spawned: the interpreters of the built-in analyzer do not survive a fork.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from multiprocessing.synchronize import Event
from typing import Generic, NamedTuple, TypeVar

from shared.errors import AvemotionError, ErrorCode

Item = TypeVar("Item")
Value = TypeVar("Value")

# Keeps every process busy, and leaves few to look at again when one dies.
AHEAD = 3
# Ctrl-C is noticed after this.
LOOK_S = 0.1
# One item can be deadly; so many in a row mean that nothing works here.
MOST_DEATHS_IN_A_ROW = 10


class StoppedError(Exception):
    """The work is to end now."""


class Outcome(NamedTuple, Generic[Value]):
    """What became of one item.

    Attributes:
        number: Its place among the items.
        value: What the function returned; None if its process died of it.
        died: Whether that is so.
    """

    number: int
    value: Value | None
    died: bool = False


_Work = Generator[Outcome[Value], None, list[int]]
_stop: Event | None = None


def checkpoint() -> None:
    """Raise ``StoppedError`` in a process of a pool whose work is to end."""
    if _stop is not None and _stop.is_set():
        raise StoppedError


def work_through(
    function: Callable[[Item], Value], items: Sequence[Item], processes: int
) -> Iterator[Outcome[Value]]:
    """Yield what becomes of each item, as they come.

    Closing the iterator ends the processes as soon as what they do calls ``checkpoint``. They also end when
    this process is killed.

    Args:
        function: Can be pickled, as can items and results. What it raises is raised here, and ends
            the work.
        items: What there is to do.
        processes: How many.

    Raises:
        AvemotionError: ``TRAINING_FAILED``: one process after the other dies.
    """
    waiting, deaths = deque(range(len(items))), 0
    while waiting:
        suspects = deque((yield from _until_a_death(function, items, waiting, processes, AHEAD * processes)))
        while suspects:
            # One at a time, so that nothing else can be what kills the process.
            before = len(suspects)
            for number in (yield from _until_a_death(function, items, suspects, 1, 1)):
                yield Outcome(number, None, died=True)
                deaths = deaths + 1 if before - len(suspects) == 1 else 1
                if deaths == MOST_DEATHS_IN_A_ROW:
                    raise AvemotionError(
                        ErrorCode.TRAINING_FAILED,
                        f"{deaths} processes in a row were killed; the machine may be short of memory.",
                    )


def _until_a_death(
    function: Callable[[Item], Value],
    items: Sequence[Item],
    waiting: deque[int],
    processes: int,
    ahead: int,
) -> _Work[Value]:
    """Work until nothing waits, or a process dies; return what was under way then."""
    under_way: dict[Future[Value], int] = {}
    with _pool(min(processes, len(waiting))) as pool:
        while waiting or under_way:
            try:
                while waiting and len(under_way) < ahead:
                    with _interrupts_held():
                        under_way[pool.submit(function, items[waiting[0]])] = waiting[0]
                    waiting.popleft()
                for future in _ended(under_way):
                    value = future.result()
                    yield Outcome(under_way.pop(future), value)
            except BrokenProcessPool:
                return sorted(under_way.values())
    return []


def _ended(futures: Collection[Future[Value]]) -> set[Future[Value]]:
    """Wait until something has ended, and return what has.

    Ctrl-C counts between two looks. One that comes just as a wait without an end begins is not noticed before
    something ends; one that comes while ``wait`` takes the futures' locks leaves them taken.
    """
    while True:
        with _interrupts_held():
            ended = wait(futures, timeout=LOOK_S, return_when=FIRST_COMPLETED).done
        if ended:
            return ended


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool whose processes end with the block, in the middle of their work if need be."""
    context = get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(stop,))
    try:
        yield pool
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back; a process that is started meanwhile inherits that, and leaves the end to this one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(stop: Event) -> None:
    """Prepare a process of the pool."""
    global _stop  # noqa: PLW0603 - a pool hands its processes nothing else
    _stop = stop
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """End this process when its parent is gone: a pool's processes would wait for work for ever."""
    connection.wait([sentinel])
    os._exit(1)
