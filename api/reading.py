"""Reading one job, the request that is made most.

One round trip on a connection kept for nothing else, no transaction, no ORM: through SQLAlchemy the
same read costs ten times as much. A document is made once for each version of its job, since every
change that a client can see raises the version.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import psycopg
from sqlalchemy import Engine

from api.answers import encode
from api.lines import Line
from api.statements import WebhookRow, WindowRow
from shared.documents import job_document
from shared.tables import JobStatus

T = TypeVar("T")

# A process runs Python on one core at a time: a few connections serve all its threads.
READERS = 4
# Then the database is taken to be away.
PATIENCE_S = 5
# Of documents kept; they are forgotten together when they are more.
MEMORY_BYTES = 16 * 1024 * 1024


class JobState(NamedTuple):
    """What a poller needs to know before anything else."""

    version: int
    ended: bool


class Snapshot(NamedTuple):
    """A job at one moment: its state, and its document as JSON."""

    state: JobState
    body: bytes


class JobReader:
    """Reads jobs over a few connections of its own."""

    def __init__(self, engine: Engine) -> None:
        """Take ``engine`` for this alone; connections are opened when they are first needed."""
        self._engine = engine
        self._free: SimpleQueue[Line] = SimpleQueue()
        for _ in range(READERS):
            self._free.put(Line(engine))
        self._known: dict[UUID, Snapshot] = {}
        self._known_bytes = 0

    def state(self, job_id: UUID, owner_id: UUID | None) -> JobState | None:
        """Return a job's state; ``None`` if the owner has no such job."""
        found = self._ask(lambda line: line.state(job_id, owner_id))
        return None if found is None else JobState(found[0], JobStatus(found[1]).ended)

    def document(self, job_id: UUID, owner_id: UUID | None) -> tuple[JobState, dict[str, Any]] | None:
        """Return a job's state and its document with the windows that are done, or ``None``."""
        row = self._ask(lambda line: line.snapshot(job_id, owner_id))
        if row is None:
            return None
        webhook = WebhookRow._make(row.webhook) if row.webhook else None
        document = job_document(row, map(WindowRow._make, row.windows or ()), webhook)
        return JobState(row.version, JobStatus(row.status).ended), document

    def snapshot(self, job_id: UUID, owner_id: UUID | None) -> Snapshot | None:
        """Return what ``document`` does, as JSON."""
        known = self._known.get(job_id)
        if known is not None and known.state == self.state(job_id, owner_id):
            return known
        read = self.document(job_id, owner_id)
        if read is None:
            self._known.pop(job_id, None)
            return None
        snapshot = Snapshot(read[0], encode(read[1]).encode())
        self._remember(job_id, snapshot)
        return snapshot

    def close(self) -> None:
        """Close the connections that nobody is using."""
        while not self._free.empty():
            self._free.get().close()
        self._engine.dispose()

    def _ask(self, question: Callable[[Line], T]) -> T:
        try:
            line = self._free.get(timeout=PATIENCE_S)
        except Empty:
            raise psycopg.OperationalError("no connection became free") from None
        try:
            return question(line)
        finally:
            self._free.put(line)

    def _remember(self, job_id: UUID, snapshot: Snapshot) -> None:
        # Threads may come between these lines: then a document is counted twice or not, no more.
        if self._known_bytes > MEMORY_BYTES:
            self._known.clear()
            self._known_bytes = 0
        self._known[job_id] = snapshot
        self._known_bytes += len(snapshot.body)
