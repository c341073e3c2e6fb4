"""The API, or anything else, under the API's own gunicorn configuration."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from client.stack.services import service_environment
from shared.settings import Settings

REPOSITORY = Path(__file__).parents[1]
START_LIMIT_S = 30.0


@dataclass(frozen=True)
class Served:
    """A running server."""

    port: int
    pid: int


@contextmanager
def serve(settings: Settings, application: str = "api:create_app()") -> Iterator[Served]:
    """Run gunicorn with the API's configuration on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    env = service_environment(settings.model_copy(update={"port": port, "host": "127.0.0.1"}))
    argv = [sys.executable, "-m", "gunicorn", "-c", "python:api.gunicorn_config", application]
    process = subprocess.Popen(argv, env=env, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    try:
        await_answer(port)
        yield Served(port, process.pid)
    finally:
        process.terminate()
        process.wait()


def await_answer(port: int) -> None:
    """Return when the server answers with anything."""
    until = time.monotonic() + START_LIMIT_S
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", timeout=2, trust_env=False)
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return
