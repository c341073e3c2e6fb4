"""What the workers that are up can see faces with: they announce it in the broker, the API looks there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import redis

from shared.queue import EVERYWHERE, broker
from shared.settings import Settings

KEY = "avemotion:analyzers"
# Several beats: a worker that was busy is not gone.
FRESH_S = 60


def announce(settings: Settings, worker: str, problems: Mapping[str, Sequence[str]]) -> None:
    """Say what a worker can see faces with; to be repeated well within ``FRESH_S``.

    Args:
        settings: Where the broker is.
        worker: Name of the worker, unlike any other's.
        problems: For each analyzer that is set up there, besides the built-in one, what is wrong with it.

    Raises:
        redis.RedisError: The broker cannot be reached.
    """
    connection = broker(settings)
    now_s = _now_s(connection)
    connection.hset(KEY, worker, json.dumps({"seen_s": now_s, "problems": dict(problems)}))
    for name, (seen_s, _) in _announced(connection).items():
        if now_s - seen_s > FRESH_S:
            connection.hdel(KEY, name)


def find_analyzers(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return each analyzer that some worker has been set up with, and what is wrong with it.

    One that works on any worker has no problems: work that needs it waits for such a worker.

    Raises:
        redis.RedisError: The broker cannot be reached.
    """
    connection = broker(settings)
    now_s = _now_s(connection)
    found: dict[str, tuple[str, ...]] = {EVERYWHERE: ()}
    for seen_s, problems in _announced(connection).values():
        if now_s - seen_s <= FRESH_S:
            for analyzer, sentences in problems.items():
                found[analyzer] = min(found.get(analyzer, tuple(sentences)), tuple(sentences), key=len)
    return found


def working_analyzers(settings: Settings, worker: str) -> tuple[str, ...]:
    """Return the analyzers that work on a worker: the built-in one, and what it announces without problems.

    Raises:
        redis.RedisError: The broker cannot be reached.
    """
    _, problems = _announced(broker(settings)).get(worker, (0.0, {}))
    return (EVERYWHERE, *(analyzer for analyzer, sentences in problems.items() if not sentences))


def _announced(connection: redis.Redis) -> dict[str, tuple[float, dict[str, list[str]]]]:
    documents = {str(name): json.loads(text) for name, text in connection.hgetall(KEY).items()}
    return {name: (document["seen_s"], document["problems"]) for name, document in documents.items()}


def _now_s(connection: redis.Redis) -> float:
    """Return the broker's time: the clocks of hosts differ."""
    seconds, microseconds = connection.time()
    return float(seconds + microseconds / 1e6)
