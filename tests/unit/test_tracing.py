"""Traces while they are off, and where what they need is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared import tracing
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
ENDPOINTS = ("AVEMOTION_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
ADDRESSES = {"AVEMOTION_DATABASE_URL": "postgresql://nowhere", "AVEMOTION_BROKER_URL": "redis://nowhere"}
API = "from api import create_app; create_app()"
WORKER = """
import worker.children, worker.conclusion, worker.flower, worker.janitor, worker.tasks, worker.walk
import worker.stages.faces, worker.stages.fusion, worker.stages.ingest, worker.stages.sound
import worker.stages.inference
"""
CALLS = """
import sys
from shared import tracing
from shared.settings import Settings
tracing.begin_tracing(Settings(), "media")
with tracing.part("model", windows=1):
    tracing.annotate(windows=2)
assert tracing.running() is None and tracing.trace_ids() == {} and tracing.trace_parent() is None
tracing.end_tracing()
print(sorted(name for name in set(sys.modules) - before if name.partition(".")[0] == "opentelemetry"))
"""
# Which asks by itself whether it is there, for metrics of its own.
REDIS = """
import sys
import redis
before = set(sys.modules)
assert "opentelemetry.sdk.trace" not in before
"""


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in os.environ.items() if name not in ENDPOINTS}
    environment = {**given, **ADDRESSES, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "process", [API, pytest.param(WORKER, marks=pytest.mark.slow)], ids=["api", "worker"]
)
def test_without_an_endpoint_nothing_of_opentelemetry_is_imported(process: str) -> None:
    """Neither the API nor a worker's stages load it, and every call of ours does nothing.

    What redis-py loads of it by itself, where it is installed, does not count.
    """
    done = run(REDIS + process + CALLS)
    assert (done.stdout.splitlines()[-1:], done.returncode) == (["[]"], 0), done.stderr


def test_without_its_packages_the_process_goes_on() -> None:
    """An endpoint without the extra costs the traces, and a line that says what to install."""
    hidden = "import sys; sys.modules['opentelemetry.sdk'] = None\n"
    done = run(hidden + REDIS + API + CALLS, AVEMOTION_OTLP_ENDPOINT="http://127.0.0.1:4318")
    assert done.returncode == 0, done.stderr
    assert "pip install 'avemotion[tracing]'" in done.stderr


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_endpoint_is_read_from_either_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours and OpenTelemetry's own; an empty one is none."""
    for each in ENDPOINTS:
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(name, "http://collector:4318/")
    assert Settings().otlp_endpoint == "http://collector:4318"
    monkeypatch.setenv(name, "")
    assert Settings().otlp_endpoint is None
    assert not tracing.begin_tracing(Settings(), "media")


def test_an_endpoint_without_a_scheme_is_refused() -> None:
    """What gRPC's exporters take is told apart from an address of HTTP."""
    with pytest.raises(ValidationError, match="gRPC is not spoken"):
        Settings(otlp_endpoint="collector:4317")
