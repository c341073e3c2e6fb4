"""What a worker says of itself, and the step of its start at which it begins to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from celery import Celery, bootsteps
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.settings import Settings
from worker.metrics.exposition import serve


class Serving(Collector):
    """Which queues a worker serves, and with how many processes."""

    def __init__(self, queues: Sequence[str], children: int) -> None:
        """Say this of the worker."""
        self._queues = queues
        self._children = children

    def collect(self) -> Iterable[Metric]:
        """Yield it."""
        queues = GaugeMetricFamily("avemotion_worker_queue", "1 for each queue served.", labels=["queue"])
        for name in self._queues:
            queues.add_metric([name], 1)
        yield queues
        yield GaugeMetricFamily("avemotion_worker_children", "Processes that run stages.", self._children)


def install(app: Celery, settings: Settings, queues: Sequence[str], children: int) -> None:
    """Have the worker of ``app`` answer Prometheus once its children are there."""

    class MetricsStep(bootsteps.StartStopStep):
        # After the first fork: threads do not survive one.
        requires = ("celery.worker.components:Pool",)

        def start(self, _parent: Any) -> None:
            serve(settings, Serving(queues, children))

    app.steps["worker"].add(MetricsStep)
