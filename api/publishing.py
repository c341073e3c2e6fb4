"""Waking a worker up for a new job, without ever making the client wait for the broker."""

from __future__ import annotations

import time
from contextlib import suppress
from uuid import UUID

from sqlalchemy import Engine, update
from sqlalchemy.exc import SQLAlchemyError

from shared.database import transact
from shared.queue import ingest_message, make_celery, publish
from shared.settings import Settings
from shared.tables import Priority, Stage, WorkStatus

# A broker on the same network answers in milliseconds.
PATIENCE_S = 0.5
# After a failure the broker is left alone: a flood of jobs must not wait for it one by one.
REST_S = 2


class Publisher:
    """Sends the first message of jobs while the broker can be reached; the janitor sends the rest."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        """Prepare; the broker is not called yet."""
        self._engine = engine
        self._rest_until = 0.0
        self._app = make_celery(settings)
        # Each thread may be sending at once, and none waits for another's connection.
        self._app.conf.broker_pool_limit = settings.api_threads
        self._app.conf.broker_transport_options = {
            **self._app.conf.broker_transport_options,
            "socket_timeout": PATIENCE_S,
            "socket_connect_timeout": PATIENCE_S,
            "max_retries": 0,
        }

    def send(self, job_id: UUID, priority: Priority) -> None:
        """Send the message of a committed job, or leave it to the janitor."""
        if time.monotonic() >= self._rest_until:
            if publish(ingest_message(self._app, job_id, priority)):
                return
            self._rest_until = time.monotonic() + REST_S
        # Marked as never sent, so that the janitor does not take it to be on its way.
        unsent = (
            update(Stage)
            .where(Stage.job_id == job_id, Stage.status == WorkStatus.READY)
            .values(published_at=None)
        )
        # The job is committed and will be found by its age: no reason to tell the client it failed.
        with suppress(SQLAlchemyError):
            transact(self._engine, lambda session: session.execute(unsent))
