"""The way to PostgreSQL."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

# Not where it is first used: loaded after TensorFlow, which brings another library for TLS under the same
# names, its first connection with TLS would end the process.
import psycopg  # noqa: F401
from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.orm import Session

from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings

T = TypeVar("T")

# psycopg 3 is the driver installed here; operators know the address without it.
DRIVER = "postgresql+psycopg"
SCHEMES = frozenset({"postgresql", "postgres", DRIVER})
CONNECT_TIMEOUT_S = 5
# A network that went silent is noticed after this, not after TCP's own quarter of an hour.
SILENCE_LIMIT_MS = 15_000
# The same where nothing was sent that could stay unanswered: by probes.
PROBE_AFTER_S = 5
PROBE_EVERY_S = 5
PROBES = 2
# A worker that froze inside a transaction must not hold its rows for ever: hence the idle limit.
SERVER_SETTINGS = {
    "timezone": "utc",
    "lock_timeout": "15s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
}
# Of one whose host was cut off the server hears nothing, not even that it is gone: so it probes too.
PROBED = {
    "tcp_user_timeout": SILENCE_LIMIT_MS,
    "tcp_keepalives_idle": PROBE_AFTER_S,
    "tcp_keepalives_interval": PROBE_EVERY_S,
    "tcp_keepalives_count": PROBES,
}
FORGETFUL = {"synchronous_commit": "off"}
# A pooler lends its connections for one transaction each: what is set or prepared on one is another's the
# next moment. The settings are the role's then, and `ops doctor` looks whether it has them.
THROUGH_POOLER: dict[str, Any] = {"prepare_threshold": None}


def connect(settings: Settings, *, pool_size: int = 5, ping: bool = True, durable: bool = True) -> Engine:
    """Return an engine for the configured database; nothing is opened yet.

    Args:
        settings: Its address.
        pool_size: Connections that are kept open.
        ping: Whether a connection is asked before each use if it still works. ``transact`` bears those
            that do not: for who changes rows all the time, the question costs more than it saves.
        durable: Whether a commit waits until it is on disk. One that does not may be forgotten by a database
            that crashes within the second, with all that came after it; ``make_durable`` waits for some.
            Through a pooler all wait.

    Raises:
        AvemotionError: No address of PostgreSQL is set. ``avemotion serve`` and ``run`` set it to their own
            server.
    """
    return create_engine(
        address_of(settings),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=ping,
        # The text of an error holds what was asked, and never with what values: logs carry ids only.
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "tcp_user_timeout": SILENCE_LIMIT_MS,
            "keepalives_idle": PROBE_AFTER_S,
            "keepalives_interval": PROBE_EVERY_S,
            "keepalives_count": PROBES,
            **(THROUGH_POOLER if settings.database_pooler else straight(durable=durable)),
        },
    )


def address_of(settings: Settings) -> URL:
    """Return the address of the database with the driver that is used.

    Raises:
        AvemotionError: None is set, or it is not PostgreSQL's.
    """
    if settings.database_url is None:
        message = "AVEMOTION_DATABASE_URL is not set; `avemotion serve` starts a server and sets it."
        raise AvemotionError(ErrorCode.INVALID_SETTINGS, message)
    try:
        url = make_url(settings.database_url)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in SCHEMES:
        # The address itself has a password in it.
        message = "AVEMOTION_DATABASE_URL is no address of PostgreSQL: postgresql://user:password@host:5432/database."
        raise AvemotionError(ErrorCode.INVALID_SETTINGS, message)
    return url.set(drivername=DRIVER)


def reason_of(error: DBAPIError) -> str:
    """Return what the driver says of an error: its first line, without the statement and its values."""
    return str(error.orig).partition("\n")[0]


def straight(*, durable: bool) -> dict[str, Any]:
    """Return the options of a connection that is this process's own."""
    wanted = SERVER_SETTINGS | PROBED | ({} if durable else FORGETFUL)
    return {"options": " ".join(f"-c {name}={value}" for name, value in wanted.items())}


def make_durable(session: Session) -> None:
    """Have the commit of this transaction wait until it, and all before it, is on disk."""
    session.connection().exec_driver_sql("SET LOCAL synchronous_commit TO on")


def transact(engine: Engine, work: Callable[[Session], T], *, patience_s: float = 0) -> T:
    """Run ``work`` in one transaction, again while the database is away, up to ``patience_s``.

    The first time that a connection turns out to be gone costs no patience: it may have died idle.

    ``work`` must bear being run again after a commit whose answer was lost: conditional updates
    and inserts that clash with themselves do.

    Raises:
        OperationalError: The database stayed away, or a lock could not be had, for too long.
    """
    give_up = time.monotonic() + patience_s
    delay_s = 0.1
    fresh = False
    while True:
        try:
            with Session(engine, expire_on_commit=False) as session, session.begin():
                return work(session)
        except DBAPIError as error:
            if error.connection_invalidated and not fresh:
                fresh = True
                continue
            passing = isinstance(error, OperationalError) or error.connection_invalidated
            if not passing or time.monotonic() + delay_s > give_up:
                raise
            # Jitter: a hundred workers must not knock at a restarted server at once.
            time.sleep(delay_s * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            delay_s = min(delay_s * 2, 2)
