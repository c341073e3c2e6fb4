"""The heartbeat of a claim, and the way in which work learns that its claim is gone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextvars import copy_context
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)

# A cancelled job's work must end within 5 s: look at least this often.
LONGEST_BEAT_S = 2.0


class LeaseLostError(Exception):
    """The unit of work is no longer ours: cancelled, ended, or taken back and given to another."""


class Pulse:
    """Renews a lease from a thread while the block runs.

    A database that is away is no reason to stop: only the conditional commit decides who won.
    """

    def __init__(self, renew: Callable[[], bool], lease_s: float) -> None:
        """Call ``renew`` several times a lease; it tells whether the claim still stands."""
        self._renew = renew
        self._beat_s = min(lease_s / 3, LONGEST_BEAT_S)
        self._stop = threading.Event()
        self._lost = threading.Event()
        # With the ids of the stage at hand, which the thread's log lines are about.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._run,), name="pulse", daemon=True
        )

    def __enter__(self) -> Self:
        """Start beating."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop beating; the last beat may still be on its way and does no harm."""
        self._stop.set()

    def checkpoint(self) -> None:
        """Raise ``LeaseLostError`` if the claim is gone; work calls this as often as it can."""
        if self._lost.is_set():
            raise LeaseLostError

    def _run(self) -> None:
        while not self._stop.wait(self._beat_s):
            try:
                if not self._renew():
                    self._lost.set()
                    return
            except SQLAlchemyError as error:
                log.warning("heartbeat not written: %s", type(error).__name__)
