"""The API as its clients see it, in this process and as a real server."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast
from uuid import UUID

import httpx
import pytest
from flask_openapi3.openapi import OpenAPI

from client.stack.services import service_environment
from shared.settings import Settings
from tests.servers import wait_until

REPOSITORY = Path(__file__).parents[3]
# The first bytes of files that are recognised; what follows does not matter to the API.
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\x00\x00\x00\x08free"
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(28)
STOP_LIMIT_S = 12


class Answer(Protocol):
    """What Flask's test client returns, its JSON as plain as a test takes it."""

    status_code: int
    json: Any
    data: bytes
    text: str
    headers: dict[str, str]
    content_type: str


class Client(Protocol):
    """Flask's test client, as far as the tests use it."""

    def open(self, path: str, **more: Any) -> Answer: ...  # noqa: D102 - any method
    def get(self, path: str, **more: Any) -> Answer: ...  # noqa: D102 - as HTTP has it
    def head(self, path: str, **more: Any) -> Answer: ...  # noqa: D102 - the same
    def post(self, path: str, **more: Any) -> Answer: ...  # noqa: D102 - the same
    def put(self, path: str, **more: Any) -> Answer: ...  # noqa: D102 - the same
    def delete(self, path: str, **more: Any) -> Answer: ...  # noqa: D102 - the same


def client_of(app: OpenAPI) -> Client:
    """Return a client of an application in this process."""
    return cast("Client", app.test_client())


Upload = Callable[..., str]
Predict = Callable[..., dict[str, Any]]


def video(mark: str = "") -> bytes:
    """Return bytes that pass for a video; another mark makes another file."""
    return MP4 + mark.encode() * 8


def sound(mark: str = "") -> bytes:
    """Return bytes that pass for sound alone."""
    return WAV + mark.encode() * 8


@pytest.fixture
def client(app: OpenAPI) -> Client:
    """A client of the API in this process."""
    return client_of(app)


@pytest.fixture
def upload(client: Client) -> Upload:
    """Upload something and return its id."""

    def send(mark: str = "", kind: str = "video") -> str:
        data = video(mark) if kind == "video" else sound(mark)
        answer = client.post(f"/upload/{kind}", data=data)
        assert answer.status_code in {200, 201}, answer.json
        return str(answer.json["id"])

    return send


@pytest.fixture
def predict(client: Client, upload: Upload) -> Predict:
    """Start a job, of a video of its own unless told otherwise, and return its document."""

    def start(**body: Any) -> dict[str, Any]:
        body = body or {"video_id": upload()}
        answer = client.post("/predict", json=body)
        assert answer.status_code == 202, answer.json
        document: dict[str, Any] = answer.json
        return document

    return start


@dataclass(frozen=True)
class LiveApi:
    """The API under gunicorn."""

    process: subprocess.Popen[bytes]
    port: int
    settings: Settings

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        """Return a connection on which a test writes what it likes."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


@contextmanager
def serve(settings: Settings, log: Path, port: int | None = None) -> Iterator[LiveApi]:
    """Run the API under gunicorn with its own configuration, on a free port unless one is named."""
    if port is None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
    chosen = settings.model_copy(update={"port": port, "api_processes": 1})
    argv = [sys.executable, "-m", "gunicorn", "-c", "python:api.gunicorn_config", "api:create_app()"]
    with log.open("wb") as stream:
        process = subprocess.Popen(argv, env=service_environment(chosen), cwd=REPOSITORY, stderr=stream)
    live = LiveApi(process, port, chosen)
    try:
        wait_until(lambda: answers(live))
        yield live
    finally:
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        finally:
            process.kill()


def answers(live: LiveApi) -> bool:
    """Tell whether the API answers."""
    assert live.process.poll() is None, "gunicorn ended"
    try:
        return httpx.get(f"{live.url}/healthz", trust_env=False).is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def live(settings: Settings, tmp_path: Path) -> Iterator[LiveApi]:
    """The API under gunicorn."""
    with serve(settings, tmp_path / "gunicorn.log") as running:
        yield running


@pytest.fixture
def http(live: LiveApi) -> Iterator[httpx.Client]:
    """A client of the API under gunicorn."""
    with httpx.Client(base_url=live.url, timeout=30, trust_env=False) as connection:
        yield connection


def job_id_of(document: dict[str, Any]) -> UUID:
    """Return the id of a job's document."""
    return UUID(document["job_id"])
