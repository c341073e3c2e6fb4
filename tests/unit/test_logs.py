"""Log lines: nothing that stands in one can make another, in either format."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any
from uuid import uuid4

import pytest

from shared.queue import EVERYWHERE, ingest_message, make_celery, publish, segment_message
from shared.settings import Settings
from shared.tables import Priority, StageName

# Ends of lines of all kinds, a terminal's control sequence, and a right-to-left override.
HOSTILE = (
    'x\r\n2026-01-01T00:00:00Z [warning  ] forged\n{"event": "forged"}\x1b[2J\x85\u2028\u202e\x00\x0b\x9b1m'
)
LOGGING = """
import logging, sys, warnings
import structlog
from shared.logs import configure_logs
from shared.settings import Settings

hostile = sys.argv[2]
configure_logs(Settings(log_format=sys.argv[1]))
log = structlog.stdlib.get_logger("ours")
log.warning(hostile, value=hostile, values=[hostile], mapping={hostile: hostile}, raw=hostile.encode())
log.warning("name", **{hostile: 1})
logging.getLogger("theirs").warning("said %s", hostile)
logging.getLogger(hostile).warning("named")
logging.getLogger("theirs").warning("more", extra={"given": hostile})
warnings.warn(hostile)
with structlog.contextvars.bound_contextvars(job_id=hostile):
    log.warning("bound")
try:
    raise ValueError(hostile)
except ValueError:
    log.exception("broken")
    logging.getLogger("theirs").exception("broken")
"""
LINES = 9
BEGINNING = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[(warning|error) *\] ")


def logged(style: str) -> list[str]:
    """Return the lines of a process that logs hostile text in every way."""
    # No argument of a process can hold a zero byte.
    code = LOGGING.replace("sys.argv[2]", ascii(HOSTILE))
    done = subprocess.run([sys.executable, "-c", code, style], capture_output=True, check=True)
    assert done.stdout == b""
    text = done.stderr.decode()
    assert not set("\r\x1b\x85\u2028\u202e\x00\x0b\x9b") & set(text)
    return text.removesuffix("\n").split("\n")


def test_a_line_of_json_is_one_event() -> None:
    """As many lines as events, each an object with a severity."""
    documents: list[dict[str, Any]] = [json.loads(line) for line in logged("json")]
    assert len(documents) == LINES
    assert documents[0]["value"] == HOSTILE
    assert {document["level"] for document in documents} == {"warning", "error"}
    assert "Traceback" in documents[-1]["exception"]


def test_a_line_of_text_is_one_event() -> None:
    """As many lines that begin as ours do as events; lines of tracebacks are set in."""
    lines = logged("console")
    assert len([line for line in lines if BEGINNING.match(line)]) == LINES
    assert all(line.startswith("    ") for line in lines if not BEGINNING.match(line))
    assert any("Traceback" in line for line in lines)


@pytest.mark.parametrize("style", ["json", "console"])
def test_what_is_logged_can_still_be_read(style: str) -> None:
    """Text beyond ASCII that can be printed is left as it is, or as JSON writes it."""
    code = LOGGING.replace("sys.argv[2]", "'Zoë 🎬'")
    done = subprocess.run([sys.executable, "-c", code, style], capture_output=True, check=True)
    assert ("Zoë 🎬" if style == "console" else json.dumps("Zoë 🎬")[1:-1]) in done.stderr.decode()


@pytest.mark.parametrize("number", [1, 2])
def test_a_message_that_is_not_sent_is_told_with_its_id(
    caplog: pytest.LogCaptureFixture, number: int
) -> None:
    """The line says which job or segment waits, of chains of any length."""
    # Nobody listens there.
    app = make_celery(Settings(broker_url="redis://127.0.0.1:1"))
    job_id, segment_id = uuid4(), uuid4()
    stages = (StageName.FACES, StageName.SOUND)[:number]

    assert not publish(ingest_message(app, job_id, Priority.BULK))
    assert not publish(segment_message(app, segment_id, stages, Priority.BULK, EVERYWHERE))

    [of_job, of_segment] = [vars(record) for record in caplog.records if record.name == "shared.queue"]
    assert (of_job["job_id"], of_job["stage"]) == (str(job_id), "ingest")
    assert (of_segment["segment_id"], of_segment["stage"]) == (str(segment_id), "faces")
