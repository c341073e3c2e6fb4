"""Traces: off, and then nothing of OpenTelemetry is imported, until an endpoint is set.

What a job's spans stand under is written in its row, never in a message: messages get lost or come twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.settings import Settings

if TYPE_CHECKING:
    from shared.tracing.telemetry import Telemetry

log = logging.getLogger(__name__)

_running: Telemetry | None = None


def begin_tracing(settings: Settings, process: str) -> bool:
    """Send this process's spans to the endpoint that is set; tell whether there is one.

    Threads do not survive a fork: a child begins for itself.

    Args:
        settings: They name the endpoint.
        process: Which of ours this is, such as ``media``.
    """
    global _running  # noqa: PLW0603 - one a process, as the logs are
    if settings.otlp_endpoint is None:
        return False
    if _running is None:
        try:
            from shared.tracing.telemetry import Telemetry  # noqa: PLC0415 - an extra that few need
        except ImportError as error:
            log.warning("no traces: %s is missing; pip install 'avemotion[tracing]'", error.name)
            return False
        _running = Telemetry(settings.otlp_endpoint, process)
    return True


def end_tracing() -> None:
    """Send what is left, if that does not take long, and make no more spans."""
    global _running
    telemetry, _running = _running, None
    if telemetry is not None:
        telemetry.close()


def running() -> Telemetry | None:
    """Return what makes this process's spans; ``None`` where there are none."""
    return _running


def trace_ids() -> dict[str, str]:
    """Return what log lines say of the span at hand; nothing where there is none."""
    return {} if _running is None else _running.ids()


def trace_parent() -> str | None:
    """Return what spans of other processes are to stand under; ``None`` where there is no span at hand."""
    return None if _running is None else _running.parent_at_hand()


def annotate(**attributes: str | int) -> None:
    """Say more of the span at hand, if there is one."""
    if _running is not None:
        _running.annotate(attributes)


@contextmanager
def part(name: str, **attributes: str | int) -> Iterator[None]:
    """Let the block be a span below the one at hand; without one it is none."""
    if _running is None:
        yield
        return
    with _running.part(name, attributes):
        yield
