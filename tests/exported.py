"""The metrics that the code exports, found in the code that exports them."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from prometheus_client import REGISTRY
from prometheus_client.core import Metric
from prometheus_client.metrics import MetricWrapperBase

from api.state import families
from worker.metrics.serving import Serving

# Each counts what its process does.
MODULES = (
    "api.metrics",
    "shared.ends",
    "worker.metrics.janitor",
    "worker.metrics.model",
    "worker.metrics.stages",
)
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def exported_metrics() -> dict[str, set[str]]:
    """Return the label names of each of our metrics, by the name that an operator reads."""
    return {_title(name, kind): labels for name, kind, labels in _found()}


def exported_series() -> dict[str, set[str]]:
    """Return the label names of each of our series: a histogram has several, with a bound or without."""
    return {
        name + suffix: labels | ({"le"} if suffix == "_bucket" else set())
        for name, kind, labels in _found()
        for suffix in SUFFIXES[kind]
    }


def _title(name: str, kind: str) -> str:
    return name + "_total" if kind == "counter" else name


def _found() -> Iterable[tuple[str, str, set[str]]]:
    for module in MODULES:
        importlib.import_module(module)
    for collector in list(REGISTRY._collector_to_names):
        if isinstance(collector, MetricWrapperBase) and collector._name.startswith("avemotion_"):
            yield collector._name, collector._type, set(collector._labelnames)
    for family in families().values():
        yield family.name, family.type, set(family._labelnames)
    for metric in Serving(["a queue"], 1).collect():
        yield metric.name, metric.type, _labels(metric)


def _labels(metric: Metric) -> set[str]:
    return {label for sample in metric.samples for label in sample.labels}
