"""Spans of this process, by OpenTelemetry's SDK: imported only where an endpoint is set."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

HEADER = "traceparent"
PREFIX = "avemotion."
# Of ended spans until they are sent: what a killed process had not sent yet is lost.
DELAY_MS = 1000
DELAY_VARIABLE = "OTEL_BSP_SCHEDULE_DELAY"
# A collector that is away must not keep a process from ending.
FAREWELL_S = 2.0

Attributes = Mapping[str, str | int]


class Telemetry:
    """Makes spans and sends them, some at a time, from a thread of its own."""

    def __init__(self, endpoint: str, process: str) -> None:
        """Begin to send to ``endpoint``, an address of OTLP over HTTP without ``/v1/traces``.

        Everything else is set by OpenTelemetry's own variables.
        """
        ours: dict[str, str | int] = {
            "service.name": f"avemotion-{process}",
            "service.version": version("avemotion"),
            "host.name": socket.gethostname(),
            "process.pid": os.getpid(),
        }
        resource = Resource.create(ours).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")
        delay_ms = None if DELAY_VARIABLE in os.environ else DELAY_MS
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=delay_ms))
        self._tracer = self._provider.get_tracer("avemotion")
        self._propagator = TraceContextTextMapPropagator()

    def close(self) -> None:
        """Send what is left; what takes too long is lost."""
        # In a thread: the library's own limit is half a minute.
        last = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        last.start()
        last.join(FAREWELL_S)

    def ids(self) -> dict[str, str]:
        """Return the ids of the span at hand as log lines carry them."""
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        return {
            "trace_id": trace.format_trace_id(context.trace_id),
            "span_id": trace.format_span_id(context.span_id),
        }

    def parent_at_hand(self) -> str | None:
        """Return the span at hand as ``parent_of`` does."""
        return self.parent_of(trace.get_current_span())

    def parent_of(self, span: Span) -> str | None:
        """Return a span as W3C's ``traceparent``; ``None`` if there is none, or nobody samples it."""
        carrier: dict[str, str] = {}
        if span.get_span_context().trace_flags.sampled:
            self._propagator.inject(carrier, trace.set_span_in_context(span, Context()))
        return carrier.get(HEADER)

    def under(self, trace_parent: str | None) -> Context:
        """Return the context of spans under a ``traceparent``; of a new trace if it is none, or not valid."""
        return self._propagator.extract({HEADER: trace_parent} if trace_parent else {}, Context())

    def begin(  # noqa: PLR0913 - each of them varies by itself
        self,
        name: str,
        attributes: Attributes,
        *,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        links: Sequence[Span] = (),
        start_ns: int | None = None,
    ) -> Span:
        """Return a new span, which its caller ends.

        Args:
            name: One of few.
            attributes: Ids, names of stages and queues, codes and numbers; never what a user wrote.
            context: What it stands under; the span at hand when None.
            kind: Of the span.
            links: Spans of other traces that it has to do with.
            start_ns: When it began, Unix time; now when None.
        """
        return self._tracer.start_span(
            name,
            context=context,
            kind=kind,
            attributes=named(attributes),
            links=[Link(each.get_span_context()) for each in links],
            start_time=start_ns,
        )

    def annotate(self, attributes: Attributes) -> None:
        """Say more of the span at hand."""
        trace.get_current_span().set_attributes(named(attributes))

    @contextmanager
    def part(self, name: str, attributes: Attributes) -> Iterator[None]:
        """Let the block be a span below the one at hand; without one it is none."""
        if not trace.get_current_span().get_span_context().is_valid:
            yield
            return
        with at_hand(self.begin(name, attributes)) as span:
            try:
                yield
            except BaseException as error:
                fail(span, type(error).__name__)
                raise
            finally:
                span.end()


@contextmanager
def at_hand(span: Span) -> Iterator[Span]:
    """Let a span be the one at hand in the block; it is not ended."""
    # What is raised is not written down: the text of an error may hold the name of a file.
    with trace.use_span(span, record_exception=False, set_status_on_exception=False):
        yield span


def fail(span: Span, code: str) -> None:
    """Mark a span as failed, with an error code or the type of an error, and no text."""
    span.set_attribute("error.type", code)
    span.set_status(Status(StatusCode.ERROR, code))


def named(attributes: Attributes) -> dict[str, str | int]:
    """Return attributes by their full names; those with a dot have them already."""
    return {name if "." in name else PREFIX + name: value for name, value in attributes.items()}
