"""Log lines: structured, with ids only. No names of files, people or keys ever enter one."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import EventDict

from shared.log_lines import on_one_line
from shared.settings import Settings
from shared.tracing import trace_ids

# Its INFO lines repeat what ours say, one a message.
CHATTY = (
    "flower.command",
    "celery.worker.strategy",
    "celery.app.trace",
    "kombu",
    "httpx",
    "httpcore",
    "alembic.runtime.migration",
    "aiobotocore.credentials",
)


def _add_trace_ids(_logger: object, _method: str, line: EventDict) -> EventDict:
    line.update(trace_ids())
    return line


def configure_logs(settings: Settings) -> None:
    """Send this process's log lines to standard error, as text or JSON."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_trace_ids,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderers: list[structlog.typing.Processor] = (
        [structlog.processors.JSONRenderer()]
        if settings.log_format == "json"
        else [on_one_line, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                *renderers,
            ],
        )
    )
    # Of Python's own, which otherwise go their own way.
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
