"""Whose turn it is: receivers that answer are never kept waiting by those that do not."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable

from worker.webhooks.queue import Due

# Forgotten together when they are more: the next failure of each tells it again.
MOST_FAILING = 10_000


class Turns:
    """How many webhooks are on their way, to whom, and whose last try failed.

    Receivers whose last try failed share one half of the places, so that the other half is always free for
    those that answer; and none has more than a few.
    """

    def __init__(self, places: int, per_receiver: int) -> None:
        """Begin with all ``places`` free, of which one receiver gets ``per_receiver``."""
        self._places = places
        self._per_receiver = per_receiver
        self._running: Counter[str] = Counter()
        self._failing: set[str] = set()
        self._change = threading.Condition()
        self._changed = False

    def choose(self, due: Iterable[Due]) -> list[Due]:
        """Return what to send now, out of what is due."""
        with self._change:
            running = self._running.copy()
            failing_run = sum(number for name, number in running.items() if name in self._failing)
            for_failing = max(1, self._places // 2) - failing_run
            left = self._places - running.total()
            chosen = []
            for each in sorted(due, key=lambda each: (each.receiver in self._failing, each.next_try_at)):
                failing = each.receiver in self._failing
                if (
                    left <= 0
                    or running[each.receiver] >= self._per_receiver
                    or (failing and for_failing <= 0)
                ):
                    continue
                running[each.receiver] += 1
                left -= 1
                for_failing -= failing
                chosen.append(each)
            return chosen

    def begin(self, receiver: str) -> None:
        """Count one more on its way."""
        with self._change:
            self._running[receiver] += 1

    def end(self, receiver: str, *, failed: bool) -> None:
        """Count one less on its way."""
        with self._change:
            self._running[receiver] -= 1
            if not self._running[receiver]:
                del self._running[receiver]
            if failed:
                if len(self._failing) >= MOST_FAILING:
                    self._failing.clear()
                self._failing.add(receiver)
            else:
                self._failing.discard(receiver)
            self._changed = True
            self._change.notify_all()

    def wait(self, limit_s: float) -> None:
        """Wait until one has ended since the last wait, or the time is over."""
        with self._change:
            self._change.wait_for(lambda: self._changed, limit_s)
            self._changed = False

    def drain(self, limit_s: float) -> None:
        """Wait until none is on its way, or the time is over."""
        with self._change:
            self._change.wait_for(lambda: not self._running, limit_s)
