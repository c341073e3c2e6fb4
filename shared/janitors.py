"""Which janitors are up: each shows itself in the broker, so that an operator sees it from any host."""

from __future__ import annotations

import redis

from shared.queue import broker
from shared.settings import Settings

KEY = "avemotion:janitors"
# Many rounds: a busy janitor is not a dead one.
FRESH_S = 60


def show_janitor(settings: Settings, host: str) -> None:
    """Say that the janitor on a host has ended a round; to be repeated well within ``FRESH_S``.

    Raises:
        redis.RedisError: The broker cannot be reached, or takes nothing.
    """
    connection = broker(settings)
    now_s = _now_s(connection)
    connection.zadd(KEY, {host: now_s})
    connection.zremrangebyscore(KEY, "-inf", now_s - FRESH_S)


def find_janitors(settings: Settings) -> list[str]:
    """Return the hosts whose janitors have shown themselves lately, sorted.

    Raises:
        redis.RedisError: The broker cannot be reached.
    """
    connection = broker(settings)
    return sorted(str(host) for host in connection.zrangebyscore(KEY, _now_s(connection) - FRESH_S, "+inf"))


def _now_s(connection: redis.Redis) -> float:
    """Return the broker's time: the clocks of hosts differ."""
    seconds, microseconds = connection.time()
    return float(seconds + microseconds / 1e6)
