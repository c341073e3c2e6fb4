"""The end of a run: what the service still has to do by itself, and what it has to clear up."""

from __future__ import annotations

import time

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from bench.faults.ledger import add_rows
from bench.faults.service import Service

POLL_S = 0.5
OPEN = (
    "SELECT (SELECT count(*) FROM jobs WHERE tidied_at IS NULL) "
    "+ (SELECT count(*) FROM webhooks WHERE state = 'pending')"
)
# More than the janitor gives an upload that stopped half-way.
AGE = "UPDATE uploads SET created_at = created_at - interval '7 hours' WHERE state = 'receiving'"
UNFINISHED = "SELECT count(*) FROM uploads WHERE state = 'receiving'"


def settle(service: Service, limit_s: float) -> None:
    """Wait until all jobs have ended and are tidied and all webhooks delivered, but not for ever.

    Neither a hanging job nor a lost webhook is waited for beyond the limit: the proof shows them.
    """
    await_none(service.engine, OPEN, limit_s)


def age_uploads(service: Service, limit_s: float) -> int:
    """Have half uploads look old, wait until the janitor has removed them, and return how many they were."""
    with service.engine.begin() as connection:
        aged = connection.execute(text(AGE)).rowcount
    if aged:
        await_none(service.engine, UNFINISHED, limit_s)
    return aged


def list_files(service: Service) -> int:
    """Write down in the ledger which files there are; return how many."""
    keys = [
        key
        for prefix in ("uploads", "incoming", "jobs")
        for name in service.storage.names(prefix)
        for key in service.storage.keys(f"{prefix}/{name}")
    ]
    add_rows(service.engine, "files", [{"key": key} for key in keys])
    return len(keys)


def await_none(engine: Engine, count_sql: str, limit_s: float) -> None:
    """Wait until a count is 0, at most ``limit_s`` seconds."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            with engine.connect() as connection:
                if connection.scalar(text(count_sql)) == 0:
                    return
        except DBAPIError:
            # The connection died with a server that was killed.
            engine.dispose()
        time.sleep(POLL_S)
