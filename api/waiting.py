"""Requests that wait for a job: few at a time, and none past the end of their process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

POLL_S = 0.2


class WaitingRoom:
    """Seats for waiting requests. Who finds none is answered at once, as if the time were over."""

    def __init__(self, *, seats: int, longest_s: float) -> None:
        """Open with ``seats`` free seats, each for at most ``longest_s``."""
        self._seats = threading.Semaphore(seats)
        self._longest_s = longest_s
        self.is_closing: Callable[[], bool] = lambda: False
        """Tells whether the process is about to end; the server sets it."""

    def wait(self, limit_s: float, settled: Callable[[], bool]) -> None:
        """Return when ``settled`` says so, or the time is over."""
        if not self._seats.acquire(blocking=False):
            return
        try:
            until = time.monotonic() + min(limit_s, self._longest_s)
            while not settled() and not self.is_closing() and (left_s := until - time.monotonic()) > 0:
                time.sleep(min(POLL_S, left_s))
        finally:
            self._seats.release()
