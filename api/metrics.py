"""``/metrics``: what Prometheus reads. Counts are shared by the processes of one server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

import redis
import structlog
from flask import Flask, Response, request
from flask_openapi3.blueprint import APIBlueprint
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.services import Services, services
from shared.queue import queue_lengths
from shared.tables import JobStatus, WebhookOutcome, WebhookState

log = structlog.stdlib.get_logger(__name__)

blueprint = APIBlueprint("metrics", __name__)

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
REQUESTS = Counter(
    "avemotion_http_requests_total",
    "Requests answered, by route, method and status.",
    ["route", "method", "status"],
)
UNFINISHED = (JobStatus.QUEUED, JobStatus.RUNNING)
# In words, not as values: only so is the index of open jobs sure to be used. Jobs that ended are
# not counted: they are millions, and workers count them as they end.
JOBS_SQL = text("SELECT status, count(*) FROM jobs WHERE status IN ('queued', 'running') GROUP BY status")
# The same. Webhooks that were delivered are as many as the jobs; their tries are counted as they end.
WEBHOOKS_SQL = text(
    "SELECT 'pending', count(*) FROM webhooks WHERE state = 'pending' "
    "UNION ALL SELECT 'failed', count(*) FROM webhooks WHERE state = 'failed'"
)
TRIES_SQL = text("SELECT outcome, tries FROM webhook_tallies")


_counters: dict[tuple[str, str, int], Callable[[], None]] = {}


def count(route: str, method: str, status: int) -> None:
    """Count one answered request."""
    name = (route, method, status)
    try:
        if name not in _counters:
            _counters[name] = REQUESTS.labels(route, method, str(status)).inc
        _counters[name]()
    except OSError as error:
        # Somebody tidied the temporary folder: no request is refused for that.
        log.warning("request not counted", error=type(error).__name__)


def register(app: Flask) -> None:
    """Count the requests of ``app``."""

    def after(response: Response) -> Response:
        # The rule, not the address: ids would make a new series for every job.
        count(request.url_rule.rule if request.url_rule else "none", request.method, response.status_code)
        return response

    app.after_request(after)


@blueprint.get("/metrics", doc_ui=False)
def read_metrics() -> Response:
    """Return all metrics in Prometheus's text format."""
    registry = CollectorRegistry()
    if FOLDER_VARIABLE in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library leaves it untyped
    else:
        registry.register(REGISTRY)
    registry.register(State(services()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class State(Collector):
    """What stands in the database and the queues at this moment."""

    def __init__(self, kit: Services) -> None:
        """Read with the services of the application."""
        self._kit = kit

    def collect(self) -> Iterable[Metric]:
        """Yield the state; what cannot be read is left out, and said to be down."""
        up = GaugeMetricFamily("avemotion_up", "Whether it could be reached.", labels=["dependency"])
        jobs = GaugeMetricFamily("avemotion_jobs", "Unfinished jobs by state.", labels=["status"])
        webhooks = GaugeMetricFamily("avemotion_webhooks", "Webhooks not delivered.", labels=["state"])
        tries = CounterMetricFamily(
            "avemotion_webhook_tries", "Tries to deliver webhooks, by outcome.", labels=["outcome"]
        )
        queues = GaugeMetricFamily("avemotion_queue_messages", "Messages that wait.", labels=["queue"])
        try:
            with self._kit.engine.connect() as connection:
                found, undelivered, tallies = (
                    {row[0]: row[1] for row in connection.execute(query)}
                    for query in (JOBS_SQL, WEBHOOKS_SQL, TRIES_SQL)
                )
            for status in UNFINISHED:
                jobs.add_metric([status.value], found.get(status.value, 0))
            for state in (WebhookState.PENDING, WebhookState.FAILED):
                webhooks.add_metric([state.value], undelivered[state.value])
            for outcome in WebhookOutcome:
                tries.add_metric([outcome.value], tallies.get(outcome.value, 0))
        except SQLAlchemyError:
            up.add_metric(["database"], 0)
        else:
            up.add_metric(["database"], 1)
        try:
            for name, length in queue_lengths(self._kit.settings).items():
                queues.add_metric([name], length)
        except redis.RedisError:
            up.add_metric(["broker"], 0)
        else:
            up.add_metric(["broker"], 1)
        yield from (up, jobs, queues, webhooks, tries)
