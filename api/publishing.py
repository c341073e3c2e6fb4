"""Waking workers up for new jobs, without ever making the client wait for the broker."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from sqlalchemy import Engine, update
from sqlalchemy.exc import SQLAlchemyError

from shared import tracing
from shared.broker_access import access_of
from shared.database import transact
from shared.queue import ingest_message, make_celery, publish
from shared.settings import Settings
from shared.tables import Priority, Stage, WorkStatus

# A broker on the same network answers in milliseconds.
PATIENCE_S = 0.5
# So long a request with many jobs may send; the janitor sends the rest, some hundreds a second.
MOST_S = 3
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
            **access_of(settings).transport_options(PATIENCE_S),
            "max_retries": 0,
        }

    def send(self, jobs: Sequence[tuple[UUID, Priority]]) -> None:
        """Send the messages of committed jobs, or leave them to the janitor.

        They share the connections of Celery's pool: none is opened for a single message.
        """
        with tracing.part("publish", messages=len(jobs)):
            sent = self._send(jobs)
            tracing.annotate(sent=sent)
        if len(jobs) == 1:
            tracing.annotate(job_id=str(jobs[0][0]))
        if sent < len(jobs):
            self._leave([job_id for job_id, _ in jobs[sent:]])

    def _send(self, jobs: Sequence[tuple[UUID, Priority]]) -> int:
        """Send messages until the broker does not take one, or for too long; return how many it took."""
        sent = 0
        give_up = time.monotonic() + MOST_S
        for job_id, priority in jobs:
            if not self._rest_until <= time.monotonic() <= give_up:
                break
            if not publish(ingest_message(self._app, job_id, priority)):
                self._rest_until = time.monotonic() + REST_S
                break
            sent += 1
        return sent

    def _leave(self, job_ids: Sequence[UUID]) -> None:
        # Marked as never sent, so that the janitor does not take it to be on its way.
        unsent = (
            update(Stage)
            .where(Stage.job_id.in_(job_ids), Stage.status == WorkStatus.READY)
            .values(published_at=None)
        )
        # The jobs are committed and will be found by their age: no reason to tell the client they failed.
        with suppress(SQLAlchemyError):
            transact(self._engine, lambda session: session.execute(unsent))
