"""``avemotion ops doctor``: this machine, and the servers of the service, looked at closely."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, text

from client.doctor import Finding, examine, tell, tried
from client.ops.nodes import Node, read_nodes
from client.ops.overview import unserved, waiting_words
from client.ops.queues import queues_of
from client.ops.room import fault_of, free_bytes, places
from client.ops.service import Service, open_service, plain_errors
from client.ops.words import number, size
from shared.database import SERVER_SETTINGS
from shared.errors import AvemotionError, ErrorCode
from shared.queue import broker, ping, queue_lengths
from shared.settings import Settings, get_settings

# Leases are in database time and bear any difference; signatures and certificates do not.
CLOCKS_DIFFER_S = 30.0


def doctor() -> None:
    """Look at this machine as `avemotion doctor` does, and at database, broker, storage, disk and queues.

    Exit status: 1 if something that is set up cannot be used, or is not as it should be.
    """
    tell(findings(get_settings()))


def findings(settings: Settings) -> Iterator[Finding]:
    """Yield what is found, part by part."""
    yield from examine(settings)
    yield tried("disk", partial(look_at_disk, settings))
    try:
        with open_service() as service:
            yield from examine_service(service)
    except AvemotionError as error:
        yield Finding("database", ok=False, told=(error.message,))


def examine_service(service: Service) -> Iterator[Finding]:
    """Yield what is found of the servers."""
    for name, look in (
        ("database", look_at_database),
        ("migrations", look_at_migrations),
        ("clock", look_at_clock),
        ("broker", look_at_broker),
        ("queues", look_at_queues),
    ):
        yield tried(name, partial(_plainly, look, service))


def _plainly(look: Any, service: Service) -> tuple[str, ...]:
    with plain_errors():
        facts: tuple[str, ...] = look(service)
        return facts


def look_at_disk(settings: Settings) -> tuple[str, ...]:
    """Return how much room each disk has.

    Raises:
        AvemotionError: It is little.
    """
    there = places(settings)
    faults = [fault for what, (folder, least) in there.items() if (fault := fault_of(what, folder, least))]
    if faults:
        hint = "`avemotion ops purge --older-than 7d` makes room in the storage."
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, " ".join((*faults, hint)))
    return tuple(
        f"{size(free_bytes(folder))} free for {what} in {folder}" for what, (folder, _) in there.items()
    )


def look_at_database(service: Service) -> tuple[str, ...]:
    """Return version and connections of the database.

    Raises:
        AvemotionError: Its connections lack a limit: behind a pooler, the role has to bring it.
    """
    with service.engine.connect() as connection:
        lacking = [name for name, value in SERVER_SETTINGS.items() if not _is_set(connection, name, value)]
        version, used, most = connection.execute(
            text(
                "SELECT current_setting('server_version'), (SELECT count(*) FROM pg_stat_activity "
                "WHERE backend_type = 'client backend'), current_setting('max_connections')"
            )
        ).one()
    if lacking:
        orders = " ".join(f"ALTER ROLE ... SET {name} = '{SERVER_SETTINGS[name]}';" for name in lacking)
        raise AvemotionError(
            ErrorCode.SERVICE_UNAVAILABLE,
            f"Behind a pooler, the service's role has to bring its own settings: {orders}",
        )
    return (f"PostgreSQL {version}, {used} of {most} connections in use",)


def _is_set(connection: Connection, name: str, value: str) -> bool:
    """Tell whether a connection has a setting, however its value is written."""
    there: str = connection.scalar(text("SELECT current_setting(:name)"), {"name": name}) or ""
    if name == "timezone":
        return there.lower() in {value, f"etc/{value}"}
    same = text("SELECT CAST(:there AS interval) = CAST(:value AS interval)")
    return bool(connection.scalar(same, {"there": there, "value": value}))


def look_at_migrations(service: Service) -> tuple[str, ...]:
    """Return the version of the tables.

    Raises:
        AvemotionError: It is not the one that this release needs.
    """
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - slow, and for this alone
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - the same

    from migrations.upgrade import alembic_config, is_later  # noqa: PLC0415 - the same

    config = alembic_config()
    newest = ScriptDirectory.from_config(config).get_current_head()
    with service.engine.connect() as connection:
        there = MigrationContext.configure(connection).get_current_revision()
        if is_later(config, connection):
            return (f"at version {there}, of a later release than this one, whose newest is {newest}",)
    if there != newest:
        raise AvemotionError(
            ErrorCode.SERVICE_UNAVAILABLE,
            f"The tables are at version {there or 'none'}, this release's newest is {newest};"
            " `python -m migrations` brings them there.",
        )
    return (f"at the newest version, {newest}",)


def look_at_clock(service: Service) -> tuple[str, ...]:
    """Return how the database's clock differs from this machine's.

    Raises:
        AvemotionError: By much.
    """
    with service.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        before = time.time()
        there: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        here = datetime.fromtimestamp((before + time.time()) / 2, UTC)
    difference_s = (there - here).total_seconds()
    told = f"{abs(difference_s):.2f} s {'behind' if difference_s > 0 else 'ahead of'} the database's"
    if abs(difference_s) > CLOCKS_DIFFER_S:
        raise AvemotionError(
            ErrorCode.SERVICE_UNAVAILABLE,
            f"This machine's clock is {told}: set both by NTP.",
        )
    return (told,)


def look_at_broker(service: Service) -> tuple[str, ...]:
    """Return version, memory and persistence of the broker.

    Raises:
        AvemotionError: It may throw messages away.
        redis.RedisError: It does not answer, or has no memory left.
    """
    ping(service.broker_settings)
    connection = broker(service.broker_settings)
    facts: dict[str, Any] = connection.info()
    name = "Valkey" if "valkey_version" in facts else "Redis"
    version = facts.get("valkey_version", facts["redis_version"])
    policy = str(facts.get("maxmemory_policy", "unknown"))
    if policy not in {"noeviction", "unknown"}:
        raise AvemotionError(
            ErrorCode.SERVICE_UNAVAILABLE,
            f"{name}'s maxmemory-policy is {policy}: it throws messages away when memory is short."
            " Set it to noeviction.",
        )
    limit = size(facts["maxmemory"]) if facts.get("maxmemory") else "no limit"
    kept = "appended to a file" if facts.get("aof_enabled") else "not appended to a file"
    return (
        f"{name} {version}, {size(facts['used_memory'])} in use, {limit}",
        f"messages are {kept}, evicted never ({policy}); the janitor sends again what is lost",
    )


def look_at_queues(service: Service) -> tuple[str, ...]:
    """Return what waits and how many workers there are.

    Raises:
        AvemotionError: Something waits where no worker takes it.
    """
    queues = queues_of(service, dict(queue_lengths(service.broker_settings)))
    nodes: list[Node] = read_nodes(service.settings)
    alone = unserved(queues, nodes)
    if alone:
        told = ", ".join(f"{queue.name} ({waiting_words(queue)})" for queue in alone)
        raise AvemotionError(
            ErrorCode.SERVICE_UNAVAILABLE,
            f"No worker takes what waits in {told}. `avemotion ops workers` shows who is up.",
        )
    ready = sum(queue.ready for queue in queues)
    return (f"{number(ready, 'unit')} of work ready, {number(len(nodes), 'worker')} up",)
