"""How things stand in the database, the broker and the storage, for ``/metrics``."""

from __future__ import annotations

import time
from collections.abc import Iterable
from threading import Lock
from typing import NamedTuple

import redis
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import false, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from api.health import reaches_storage
from api.services import Services
from shared.backlog import ReadyCount, by_queue, count_leased, count_ready
from shared.database import transact
from shared.queue import INFERENCE, MEDIA, ping, queue_lengths, queue_names
from shared.tables import JobStatus, WebhookOutcome, WebhookState

# All of them, with a 0 for those that are empty: no series means that nobody knows.
QUEUES = (*queue_names(MEDIA), *queue_names(INFERENCE))
NONE = ReadyCount(0, 0, 0.0)
UNFINISHED = (JobStatus.QUEUED, JobStatus.RUNNING)
UNDELIVERED = (WebhookState.PENDING, WebhookState.FAILED)
# In words, not as values: only so is the index of open jobs sure to be used. Jobs that ended are
# not counted: they are millions, and who ends them counts them.
JOBS_SQL = text("SELECT status, count(*) FROM jobs WHERE status IN ('queued', 'running') GROUP BY status")
# The same. Webhooks that were delivered are as many as the jobs; their tries are counted as they end.
WEBHOOKS_SQL = text(
    "SELECT 'pending', count(*) FROM webhooks WHERE state = 'pending' "
    "UNION ALL SELECT 'failed', count(*) FROM webhooks WHERE state = 'failed'"
)
WEBHOOK_DELAY_SQL = text(
    "SELECT coalesce(extract(epoch FROM greatest(now() - min(next_try_at), interval '0')), 0) "
    "FROM webhooks WHERE state = 'pending'"
)
TRIES_SQL = text("SELECT outcome, tries FROM webhook_tallies")
# Several Prometheus servers, or impatient ones, cost the database no more than one.
KEPT_S = 1.0


class Reading(NamedTuple):
    """One value: of which metric, of which of the things that it is told of, and how much."""

    metric: str
    label: str | None
    value: float


class State(Collector):
    """What stands in the database and the queues at this moment."""

    def __init__(self, kit: Services) -> None:
        """Read with the services of the application."""
        self._kit = kit
        self._lock = Lock()
        self._kept: list[Metric] = []
        self._kept_until = 0.0

    def describe(self) -> Iterable[Metric]:
        """Return the metrics without what they say."""
        return families().values()

    def collect(self) -> Iterable[Metric]:
        """Return the state, at most a second old; what cannot be read is left out, and said to be down."""
        with self._lock:
            if time.monotonic() >= self._kept_until:
                self._kept = self._read()
                self._kept_until = time.monotonic() + KEPT_S
            return self._kept

    def _read(self) -> list[Metric]:
        found: list[Reading] = []
        for dependency, read in (("database", self._database), ("broker", self._broker)):
            try:
                found += read()
            except (SQLAlchemyError, redis.RedisError):
                found.append(Reading("avemotion_up", dependency, 0))
            else:
                found.append(Reading("avemotion_up", dependency, 1))
        found.append(Reading("avemotion_up", "storage", float(reaches_storage(self._kit))))
        metrics = families()
        for name, label, value in found:
            metrics[name].add_metric([label] if label else [], value)
        return list(metrics.values())

    def _database(self) -> list[Reading]:
        return transact(self._kit.engine, read_database)

    def _broker(self) -> list[Reading]:
        ping(self._kit.settings)
        lengths = queue_lengths(self._kit.settings)
        return [Reading("avemotion_queue_messages", name, length) for name, length in lengths.items()]


def read_database(session: Session) -> list[Reading]:
    """Return what stands in the database."""
    jobs, webhooks, tries = (
        {row[0]: row[1] for row in session.execute(query)} for query in (JOBS_SQL, WEBHOOKS_SQL, TRIES_SQL)
    )
    delay_s = session.scalar(WEBHOOK_DELAY_SQL)
    waiting = by_queue(count_ready(session, false()))
    leased = by_queue(count_leased(session))
    return [
        *(Reading("avemotion_jobs", status, jobs.get(status, 0)) for status in UNFINISHED),
        *(Reading("avemotion_queue_ready", queue, waiting.get(queue, NONE).ready) for queue in QUEUES),
        *(
            Reading("avemotion_queue_oldest_seconds", queue, waiting.get(queue, NONE).oldest_s)
            for queue in QUEUES
        ),
        *(Reading("avemotion_leased", queue, leased.get(queue, 0)) for queue in QUEUES),
        *(Reading("avemotion_webhooks", state, webhooks[state]) for state in UNDELIVERED),
        *(Reading("avemotion_webhook_tries", outcome, tries.get(outcome, 0)) for outcome in WebhookOutcome),
        Reading("avemotion_webhook_delay_seconds", None, float(delay_s or 0)),
    ]


def families() -> dict[str, GaugeMetricFamily | CounterMetricFamily]:
    """Return the metrics of the state by name, empty."""
    gauges = (
        ("avemotion_up", "Whether it can be used.", "dependency"),
        ("avemotion_jobs", "Unfinished jobs by state.", "status"),
        ("avemotion_queue_ready", "Units of work that wait for a worker.", "queue"),
        ("avemotion_queue_oldest_seconds", "For how long the oldest of them has been waiting.", "queue"),
        ("avemotion_queue_messages", "Messages that wait in the broker.", "queue"),
        ("avemotion_leased", "Units of work that workers hold.", "queue"),
        ("avemotion_webhooks", "Webhooks not delivered.", "state"),
        ("avemotion_webhook_delay_seconds", "For how long the oldest due webhook has been due.", None),
    )
    tries = CounterMetricFamily(
        "avemotion_webhook_tries", "Tries to deliver webhooks, by outcome.", labels=["outcome"]
    )
    named = {
        name: GaugeMetricFamily(name, text, labels=[label] if label else []) for name, text, label in gauges
    }
    return {**named, "avemotion_webhook_tries": tries}
