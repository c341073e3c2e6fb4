"""A collector of traces: a real HTTP server on loopback that takes OTLP as protobuf."""

from __future__ import annotations

import contextlib
import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.servers import wait_until


@dataclass(frozen=True)
class Seen:
    """A span as it came in; ids are hexadecimal, times Unix nanoseconds."""

    name: str
    process: str
    trace_id: str
    span_id: str
    parent_id: str
    links: frozenset[str]
    attributes: dict[str, Any]
    failed: bool
    start_ns: int
    end_ns: int


class Collector(ThreadingHTTPServer):
    """Keeps every span that it is sent."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        """Listen on a free port of loopback."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.spans: list[Seen] = []
        self.guard = threading.Lock()

    @property
    def endpoint(self) -> str:
        """What the setting is to say."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def of_job(self, job_id: str) -> list[Seen]:
        """Return the spans of the trace that a job has, in the order of their beginnings."""
        with self.guard:
            spans = sorted(self.spans, key=lambda span: span.start_ns)
        traces = {
            span.trace_id
            for span in spans
            if span.attributes.get("avemotion.job_id") == job_id and span.name != "batch"
        }
        assert len(traces) <= 1, "a job is in one trace"
        return [span for span in spans if span.trace_id in traces]

    def await_spans(self, job_id: str, *names: str) -> list[Seen]:
        """Return a job's trace once it has spans of these names."""
        wait_until(lambda: set(names) <= {span.name for span in self.of_job(job_id)})
        return self.of_job(job_id)


class Handler(BaseHTTPRequestHandler):
    """Takes spans in."""

    server: Collector

    def do_POST(self) -> None:
        """Decode them, and say that all were taken."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        assert self.path == "/v1/traces"
        taken = ExportTraceServiceRequest.FromString(body)
        spans = [
            read(span, dict(named(group.resource.attributes)))
            for group in taken.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]
        with self.server.guard:
            self.server.spans += spans
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def named(attributes: Any) -> Iterator[tuple[str, Any]]:
    """Yield names and values."""
    for each in attributes:
        kind = each.value.WhichOneof("value")
        yield each.key, getattr(each.value, kind) if kind else None


def read(span: Any, resource: dict[str, Any]) -> Seen:
    """Return a span as tests look at it."""
    return Seen(
        name=span.name,
        process=resource["service.name"],
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        links=frozenset(link.span_id.hex() for link in span.links),
        attributes=dict(named(span.attributes)),
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
    )


@contextlib.contextmanager
def running_collector() -> Iterator[Collector]:
    """Run a collector."""
    collector = Collector()
    thread = threading.Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        collector.shutdown()
        collector.server_close()
