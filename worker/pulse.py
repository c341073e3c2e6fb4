"""The heartbeat of a claim, and the way in which work learns that its claim is gone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from worker.watch import watch_of

log = logging.getLogger(__name__)

# A cancelled job's work must end within 5 s: look at least this often.
LONGEST_BEAT_S = 2.0


class LeaseLostError(Exception):
    """The unit of work is no longer ours: cancelled, ended, or taken back and given to another."""


class Pulse:
    """Renews a lease from another thread while the block runs.

    A database that is away is no reason to stop: only the conditional commit decides who won.
    """

    def __init__(self, renew: Callable[[], bool], lease_s: float) -> None:
        """Call ``renew`` several times a lease; it tells whether the claim still stands."""
        self._renew = renew
        self._watch = watch_of("pulse", min(lease_s / 3, LONGEST_BEAT_S))
        self._lost = False

    def __enter__(self) -> Self:
        """Start beating."""
        self._watch.begin(self._beat)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop beating; the last beat may still be on its way and does no harm."""
        self._watch.end()

    def checkpoint(self) -> None:
        """Raise ``LeaseLostError`` if the claim is gone; work calls this as often as it can."""
        if self._lost:
            raise LeaseLostError

    def _beat(self) -> None:
        try:
            self._lost = self._lost or not self._renew()
        except SQLAlchemyError as error:
            log.warning("heartbeat not written: %s", type(error).__name__)
