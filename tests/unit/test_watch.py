"""The threads that look after a process's work."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar

from tests.servers import wait_until
from worker.watch import Watch, watch_of

PERIOD_S = 0.05


def test_what_takes_long_is_looked_at_again_and_again() -> None:
    """A call is repeated a period after the last, from another thread, with the caller's context."""
    subject: ContextVar[str] = ContextVar("subject")
    seen: list[tuple[str, bool]] = []
    watch = Watch(PERIOD_S)
    subject.set("a job")

    watch.begin(lambda: seen.append((subject.get(), threading.current_thread() is threading.main_thread())))
    wait_until(lambda: len(seen) >= 3)
    watch.end()

    assert set(seen) == {("a job", False)}


def test_what_ends_in_time_is_left_alone() -> None:
    """Many short pieces of work, one after another, are never looked at, however long they take together."""
    calls: list[int] = []
    watch = Watch(10 * PERIOD_S)
    # The thread runs, and sleeps, before the first of them.
    watch.begin(lambda: None)

    for number in range(20):
        watch.begin(lambda number=number: calls.append(number))
        time.sleep(PERIOD_S)
        watch.end()

    assert calls == []


def test_a_call_that_fails_leaves_the_next_work_with_a_watch() -> None:
    """Its thread ends with it; the next work has another."""
    threads: list[threading.Thread] = []
    watch = Watch(PERIOD_S)

    def fail() -> None:
        threads.append(threading.current_thread())
        raise ValueError("no use")

    called = threading.Event()
    before, threading.excepthook = threading.excepthook, lambda _arguments: None
    try:
        watch.begin(fail)
        wait_until(lambda: bool(threads) and not threads[0].is_alive())
    finally:
        threading.excepthook = before
    watch.begin(called.set)

    assert called.wait(10)
    watch.end()


def test_each_purpose_has_a_watch_of_its_own() -> None:
    """The heartbeat and the hard limit of one stage do not get in each other's way."""
    assert watch_of("a", 1) is watch_of("a", 1)
    assert watch_of("a", 1) is not watch_of("b", 1)
