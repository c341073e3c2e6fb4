"""Who a key belongs to, remembered for a few seconds: a poller must not cost two queries."""

from __future__ import annotations

import time
from uuid import UUID

from sqlalchemy import Engine

from shared.database import transact
from shared.keys import find_owner, hash_key

# A revoked key works for so long at most.
FRESH_S = 5
# Guessed keys are remembered too; more than this are forgotten together.
MOST_KEYS = 1024


class Keyring:
    """Owners of keys, as they were at most ``FRESH_S`` ago."""

    def __init__(self, engine: Engine) -> None:
        """Start with nothing remembered."""
        self._engine = engine
        self._known: dict[str, tuple[float, UUID | None]] = {}

    def owner(self, secret: str) -> UUID | None:
        """Return the id of a valid key; ``None`` for any other word."""
        name = hash_key(secret)
        now = time.monotonic()
        known = self._known.get(name)
        if known is not None and now < known[0]:
            return known[1]
        owner = transact(self._engine, lambda session: find_owner(session, secret))
        if len(self._known) >= MOST_KEYS:
            self._known.clear()
        self._known[name] = (now + FRESH_S, owner)
        return owner
