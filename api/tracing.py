"""Spans of requests that change something: where the trace of a job begins.

A caller who sends `traceparent` has the job in a trace of theirs. Polls make no spans: there are many, and
they say nothing of the job.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, g, request

from api.access import SAFE_METHODS
from shared import tracing
from shared.settings import Settings

SERVER_ERROR = 500
SPAN = "avemotion_span"


def register(app: Flask, settings: Settings) -> None:
    """Trace the requests of ``app``, where an endpoint is set."""
    if not tracing.begin_tracing(settings, "api"):
        return
    app.before_request(_begin)
    app.after_request(_tell)
    app.teardown_request(_end)


def job_trace_parent(*, of_many: bool) -> str | None:
    """Return what the spans of a job that this request makes are to stand under.

    Args:
        of_many: Whether the request makes many jobs. Each then has a trace of its own, with a link to the
            request: thousands of jobs in one trace could not be looked at.
    """
    telemetry = tracing.running()
    if telemetry is None:
        return None
    if not of_many:
        return telemetry.parent_at_hand()
    from opentelemetry import trace  # noqa: PLC0415 - only while traces are on
    from opentelemetry.context import Context  # noqa: PLC0415 - as above

    root = telemetry.begin("job", {}, context=Context(), links=[trace.get_current_span()])
    root.end()
    return telemetry.parent_of(root)


def _begin() -> None:
    telemetry = tracing.running()
    if telemetry is None or request.method in SAFE_METHODS:
        return
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 - only while traces are on

    from shared.tracing.telemetry import HEADER, at_hand  # noqa: PLC0415 - as above

    # The rule, not the address; and of neither what nobody knows: a method may be any word.
    rule = request.url_rule.rule if request.url_rule else None
    name = "HTTP" if rule is None else f"{request.method} {rule}"
    known = {} if rule is None else {"http.request.method": request.method, "http.route": rule}
    span = telemetry.begin(
        name, known, context=telemetry.under(request.headers.get(HEADER)), kind=SpanKind.SERVER
    )
    block = at_hand(span)
    block.__enter__()
    setattr(g, SPAN, (span, block))


def _tell(response: Response) -> Response:
    if SPAN in g:
        span, _ = getattr(g, SPAN)
        span.set_attribute("http.response.status_code", response.status_code)
        if response.status_code >= SERVER_ERROR:
            from shared.tracing.telemetry import fail  # noqa: PLC0415 - only while traces are on

            fail(span, str(response.status_code))
    return response


def _end(_error: BaseException | None) -> None:
    found: tuple[Any, Any] | None = g.pop(SPAN, None)
    if found is not None:
        span, block = found
        block.__exit__(None, None, None)
        span.end()
