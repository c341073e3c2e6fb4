"""Threads that look after the work of the main thread, one a period, for as long as the process lives.

To start a thread costs more than a short stage does; to be looked after by one that runs already costs
nothing.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from functools import partial


class Watch:
    """Calls what it is given, from a thread of its own, each time that a period has passed.

    It holds one call at a time: the process has one main thread.
    """

    def __init__(self, period_s: float) -> None:
        """Prepare; the thread starts with the first call that it is given."""
        self._period_s = period_s
        self._call: Callable[[], object] | None = None
        self._due = 0.0
        self._thread: threading.Thread | None = None

    def begin(self, call: Callable[[], object]) -> None:
        """Call ``call`` a period from now, and after each period more."""
        # In this order: the thread looks at the call first. It logs with the ids of who gave it.
        self._due = time.monotonic() + self._period_s
        self._call = partial(copy_context().run, call)
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Call no more; the last call may still be on its way."""
        self._call = None

    def _run(self) -> None:
        while True:
            # Whatever begins while the thread sleeps is due a period later: never before it wakes up.
            call = self._call
            wait_s = self._period_s if call is None else self._due - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            elif call is not None:
                self._due = time.monotonic() + self._period_s
                call()


_watches: dict[tuple[str, float], Watch] = {}
# Threads do not survive a fork.
os.register_at_fork(after_in_child=_watches.clear)


def watch_of(purpose: str, period_s: float) -> Watch:
    """Return this process's watch of a purpose and a period."""
    return _watches.setdefault((purpose, period_s), Watch(period_s))
