"""``/metrics``: what Prometheus reads. Counts are shared by the processes of one server."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import cast

import structlog
from flask import Flask, Response, current_app, request
from flask_openapi3.blueprint import APIBlueprint
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from api.services import EXTENSION, Services
from api.state import State
from shared.tables import UploadKind

log = structlog.stdlib.get_logger(__name__)

blueprint = APIBlueprint("metrics", __name__)

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
REQUESTS = Counter(
    "avemotion_http_requests_total",
    "Requests answered, by route, method and status.",
    ["route", "method", "status"],
)
UPLOADS = Counter("avemotion_uploads_total", "Uploads taken in, by kind.", ["kind"])
UPLOAD_BYTES = Counter("avemotion_upload_bytes_total", "Bytes of them.", ["kind"])
STATE = "avemotion-state"


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


def count_upload(kind: UploadKind, size_bytes: int) -> None:
    """Count an upload that was taken in, whether its bytes were new or not."""
    try:
        UPLOADS.labels(kind.value).inc()
        UPLOAD_BYTES.labels(kind.value).inc(size_bytes)
    except OSError as error:
        log.warning("upload not counted", error=type(error).__name__)


def register(app: Flask) -> None:
    """Count the requests of ``app``, whose services are there."""

    def after(response: Response) -> Response:
        # The rule, not the address: ids would make a new series for every job.
        count(request.url_rule.rule if request.url_rule else "none", request.method, response.status_code)
        return response

    app.after_request(after)
    app.extensions[STATE] = State(cast("Services", app.extensions[EXTENSION]))


@blueprint.get("/metrics", doc_ui=False)
def read_metrics() -> Response:
    """Return all metrics in Prometheus's text format."""
    registry = CollectorRegistry()
    if FOLDER_VARIABLE in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library leaves it untyped
    else:
        registry.register(REGISTRY)
    registry.register(current_app.extensions[STATE])
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
