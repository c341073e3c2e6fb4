"""One connection to the database, held for good, on which prepared statements are run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast
from uuid import UUID

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, abc
from psycopg.rows import namedtuple_row
from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection

from api.statements import SNAPSHOT_SQL, STATE_SQL

T = TypeVar("T")
STATE_NAME = b"job_state"


class Line:
    """A connection that is opened again when the server has dropped it. One thread at a time."""

    def __init__(self, engine: Engine) -> None:
        """Take a connection of ``engine`` when the first statement is run."""
        self._engine = engine
        self._held: PoolProxiedConnection | None = None
        self._cursor: psycopg.RawCursor[Any] | None = None

    def state(self, job_id: UUID, owner_id: UUID | None) -> tuple[int, str] | None:
        """Return version and status of a job."""
        return self._run(lambda cursor: _state(cursor, job_id, owner_id))

    def snapshot(self, job_id: UUID, owner_id: UUID | None) -> Any:
        """Return the row of a job, with ``windows`` as a list of arrays, or ``None``."""
        return self._run(
            lambda cursor: cursor.execute(SNAPSHOT_SQL, (job_id, owner_id), prepare=True).fetchone()
        )

    def _run(self, work: Callable[[psycopg.RawCursor[Any]], T]) -> T:
        if self._cursor is not None:
            try:
                return work(self._cursor)
            except psycopg.OperationalError:
                if self._cursor.connection.pgconn.status == ConnStatus.OK:
                    raise
                # It may have been dead for long; a new one tells whether the server is there.
                self.close()
        return work(self._open())

    def _open(self) -> psycopg.RawCursor[Any]:
        # From the pool and never given back: it brings the settings that all connections have.
        self._held = self._engine.raw_connection()
        connection: psycopg.Connection[Any] = self._held.driver_connection  # type: ignore[assignment]  # psycopg's
        connection.autocommit = True
        if connection.prepare_threshold is not None:
            prepared = connection.pgconn.prepare(STATE_NAME, STATE_SQL.encode())
            _check(connection.pgconn, prepared, ExecStatus.COMMAND_OK)
        self._cursor = psycopg.RawCursor(connection, row_factory=namedtuple_row)
        return self._cursor

    def close(self) -> None:
        """Drop the connection; the next statement opens another."""
        if self._held is not None:
            self._held.invalidate()
        self._held = self._cursor = None


def _state(cursor: psycopg.RawCursor[Any], job_id: UUID, owner_id: UUID | None) -> tuple[int, str] | None:
    if cursor.connection.prepare_threshold is None:
        # Behind a pooler, nothing stays prepared.
        row = cursor.execute(STATE_SQL, (job_id, owner_id)).fetchone()
        return None if row is None else (row[0], row[1])
    # psycopg's own cursor would take twice as long for these two words.
    values = [str(job_id).encode(), str(owner_id).encode() if owner_id else None]
    result = _run_prepared(cursor.connection.pgconn, values)
    if not result.ntuples:
        return None
    version, status = result.get_value(0, 0), result.get_value(0, 1)
    return int(version or 0), (status or b"").decode()


def _run_prepared(connection: abc.PGconn, values: list[bytes | None]) -> abc.PGresult:
    # A value may be None, for NULL, though the stub does not say so.
    result = connection.exec_prepared(STATE_NAME, cast("list[bytes]", values))
    return _check(connection, result, ExecStatus.TUPLES_OK)


def _check(connection: abc.PGconn, result: abc.PGresult, wanted: ExecStatus) -> abc.PGresult:
    if connection.status != ConnStatus.OK:
        raise psycopg.OperationalError("the connection was lost")
    if result.status != wanted:
        raise error_from_result(result)
    return result
