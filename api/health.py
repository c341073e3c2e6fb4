"""``/healthz`` and ``/readyz``: is the process alive, and can it do its work."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import redis
from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from sqlalchemy import text

from api.answers import answer
from api.responses import describe
from api.services import Services, services
from shared.analyzers import find_analyzers
from shared.queue import EVERYWHERE, ping
from shared.schemas.health import Health, Readiness

blueprint = APIBlueprint("health", __name__, abp_tags=[Tag(name="operations")])

LIMIT_S = 1.5
# Without it jobs are still taken: the janitor sends their messages when the broker is back. Taking
# every replica out of service for it would turn a delay into an outage.
OPTIONAL = frozenset({"broker"})
# Beside the threads of requests: a check that hangs must not take one of them along.
_checkers = ThreadPoolExecutor(max_workers=6, thread_name_prefix="readyz")


@blueprint.get("/healthz", responses=describe({200: Health}))
def healthz() -> Response:
    """Tell that the process answers; nothing else is asked."""
    return answer({"status": "ok"})


@blueprint.get("/readyz", responses=describe({200: Readiness, 503: Readiness}))
def readyz() -> Response:
    """Tell whether database and storage can be used (503 if not), and the broker (`degraded` if not).

    Also says what the workers that are up can see faces with.
    """
    kit = services()
    found = check_all(kit)
    failed = {name for name, check in found.items() if not check["ok"]}
    status = "unavailable" if failed - OPTIONAL else "degraded" if failed else "ready"
    document = {"status": status, "checks": found, "analyzers": analyzers(kit, known=found["broker"]["ok"])}
    return answer(document, 503 if status == "unavailable" else 200)


def analyzers(kit: Services, *, known: bool) -> list[dict[str, Any]]:
    """Return the analyzers of the workers that are up; only the built-in one while nobody can tell."""
    try:
        found = find_analyzers(kit.settings) if known else {EVERYWHERE: ()}
    except redis.RedisError:
        found = {EVERYWHERE: ()}
    return [
        {"name": name, "ok": not problems, "problems": list(problems)} for name, problems in found.items()
    ]


def check_all(kit: Services) -> dict[str, dict[str, Any]]:
    """Try what the API depends on, all at once, each for at most ``LIMIT_S``."""
    checks: dict[str, Callable[[], object]] = {
        "database": lambda: ask_database(kit),
        "broker": lambda: ping(kit.settings),
        "storage": kit.storage.ping,
    }
    started = {name: _checkers.submit(timed, check) for name, check in checks.items()}
    wait(started.values(), timeout=LIMIT_S)
    late = {"ok": False, "error": "timeout", "seconds": LIMIT_S}
    return {name: check.result() if check.done() else late for name, check in started.items()}


def reaches_storage(kit: Services) -> bool:
    """Tell whether the storage answers in time."""
    check = _checkers.submit(timed, kit.storage.ping)
    wait([check], timeout=LIMIT_S)
    return check.done() and bool(check.result()["ok"])


def ask_database(kit: Services) -> None:
    """Read a table, so that a database without migrations does not count as there."""
    with kit.engine.connect() as connection:
        connection.execute(text("SELECT 1 FROM jobs LIMIT 1"))


def timed(check: Callable[[], object]) -> dict[str, Any]:
    """Return how a check went; of an error only its kind, since its words may hold addresses."""
    started = time.perf_counter()
    error = None
    try:
        check()
    except Exception as failure:  # noqa: BLE001 - whatever it is, it is what is reported
        error = type(failure).__name__
    return {"ok": error is None, "error": error, "seconds": round(time.perf_counter() - started, 4)}
