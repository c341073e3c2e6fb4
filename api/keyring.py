"""Who a key belongs to, remembered for a few seconds: a poller must not cost two queries."""

from __future__ import annotations

import time

from sqlalchemy import Engine

from shared.database import transact
from shared.keys import Caller, find_caller, hash_key

# A revoked key works for so long at most, and one with new limits by the old ones.
FRESH_S = 5
# Guessed keys are remembered too; more than this are forgotten together.
MOST_KEYS = 1024


class Keyring:
    """Owners of keys, as they were at most ``FRESH_S`` ago."""

    def __init__(self, engine: Engine) -> None:
        """Start with nothing remembered."""
        self._engine = engine
        self._known: dict[str, tuple[float, Caller | None]] = {}

    def caller(self, secret: str) -> Caller | None:
        """Return the owner of a valid key; ``None`` for any other word."""
        name = hash_key(secret)
        now = time.monotonic()
        known = self._known.get(name)
        if known is not None and now < known[0]:
            return known[1]
        caller = transact(self._engine, lambda session: find_caller(session, secret))
        if len(self._known) >= MOST_KEYS:
            self._known.clear()
        self._known[name] = (now + FRESH_S, caller)
        return caller
