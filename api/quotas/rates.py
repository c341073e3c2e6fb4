"""How many requests a key may make in a minute, counted in the broker for all processes of the API.

Every request with a key counts, polls too: a poll costs the database a query, and whoever may ask without end
may keep it busy. 304s, refusals and long polls are one request each.
"""

from __future__ import annotations

import math
import time

import redis
import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from api.problems import RefusedForNowError
from shared.errors import ErrorCode
from shared.keys import Caller
from shared.queue import broker
from shared.settings import Settings

log = structlog.stdlib.get_logger(__name__)

# A broker on the same network answers in milliseconds, and no request is to wait for one that does not.
PATIENCE_S = 0.25
# After a failure nothing is counted for a while.
REST_S = 2
PREFIX = "avemotion:requests"
WINDOW_S = 60


class Rates:
    """Counts requests by key, and refuses those that are too many."""

    def __init__(self, settings: Settings) -> None:
        """Prepare; the broker is not called before a key has a limit."""
        self._settings = settings
        self._limiter: SlidingWindowCounterRateLimiter | None = None
        self._rest_until = 0.0

    def count(self, caller: Caller) -> None:
        """Count a request.

        Raises:
            RefusedForNowError: The key has made as many in this minute as it may.
        """
        own = caller.requests_per_minute
        limit = (self._settings.key_requests_per_minute or 0) if own is None else own
        if limit == 0 or time.monotonic() < self._rest_until:
            return
        item = RateLimitItemPerMinute(limit)
        try:
            wait_s = self._ask(item, str(caller.id))
        except redis.RedisError as error:
            self._rest_until = time.monotonic() + REST_S
            log.warning("requests are not counted", error=type(error).__name__)
            return
        if wait_s is not None:
            raise refusal(limit, wait_s)

    def _ask(self, item: RateLimitItem, name: str) -> int | None:
        """Return ``None`` if a request fits, else the seconds after which one will."""
        if self._limiter is None:
            # The connection is that of the rest of this process, whatever way it takes.
            pool = broker(self._settings, patience_s=PATIENCE_S).connection_pool
            storage = RedisStorage(str(self._settings.broker_url), connection_pool=pool, key_prefix=PREFIX)
            self._limiter = SlidingWindowCounterRateLimiter(storage)
        if self._limiter.hit(item, name):
            return None
        left_s = self._limiter.get_window_stats(item, name).reset_time - time.time()
        return min(max(1, math.ceil(left_s)), WINDOW_S)


def refusal(limit: int, wait_s: int) -> RefusedForNowError:
    """Return the error for a request too many; its headers are those of the IETF's draft on rate limits."""
    return RefusedForNowError(
        ErrorCode.TOO_MANY_REQUESTS,
        f"This key may make {limit} requests a minute, and has made them; try again in {wait_s} s.",
        wait_s,
        [
            ("RateLimit-Policy", f'"minute";q={limit};w={WINDOW_S}'),
            ("RateLimit", f'"minute";r=0;t={wait_s}'),
        ],
    )
