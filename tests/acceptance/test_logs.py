"""What clients send cannot make a line of the log, whichever shape lines have."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.service import Service, running_service

FORGED = "forged-line"
# As text and as JSON, after each kind of line end; and a terminal's control sequence.
PAYLOAD = f'\r\n2026-01-01T00:00:00Z [warning  ] {FORGED}\r\n{{"event": "{FORGED}"}}\n\x1b[31m{FORGED}'
ENCODED = "".join(f"%{byte:02x}" for byte in PAYLOAD.encode())
OURS = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+Z \[\w+ *\] |    |$)")


def say(service: Service, *pieces: bytes) -> bytes:
    """Send bytes to the API as they are, and return the beginning of its answer."""
    port = service.settings.port or int(service.stack.api_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        for piece in pieces:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(4096)


def attack(service: Service) -> None:
    """Put what could be a line wherever a client can put something."""
    http, host = service.http, b"Host: 127.0.0.1\r\n"
    raw = PAYLOAD.encode()
    http.get(f"/{ENCODED}")
    http.post(f"/upload/{ENCODED}", content=b"x")
    http.get(f"/jobs/{ENCODED}", params={"wait": PAYLOAD})
    http.get("/jobs", params={"cursor": PAYLOAD, "status": PAYLOAD})
    http.post("/upload/video", files={"file": (PAYLOAD, b"not a film" * 200, "video/mp4")})
    http.post("/predict", json={"video_id": PAYLOAD, "model": PAYLOAD, PAYLOAD: PAYLOAD})
    http.post("/predict", content=raw, headers={"Content-Type": "application/json"})
    http.post("/batches", json={"name": PAYLOAD, "webhook_url": f"http://127.0.0.1/{PAYLOAD}"})
    escape = b"\x1b[2J" + FORGED.encode()
    for name in (b"User-Agent", b"Authorization", b"traceparent", b"Idempotency-Key", b"Prefer"):
        say(service, b"POST /predict HTTP/1.1\r\n" + host + name + b": " + escape + b"\r\n\r\n")
    for request in (
        b"GET / HTTP/1.1\r\nHost: " + escape + b"\r\n\r\n",
        escape + b" / HTTP/1.1\r\n" + host + b"\r\n",
        b"GET /" + escape + b" HTTP/1.1\r\n" + host + b"\r\n",
        b"GET / " + escape + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + escape + b": x\r\n\r\n",
        b"GET / HTTP/1.1\n" + raw + b"\n\n",
        b"POST /predict HTTP/1.1\r\n" + host + b"Content-Length: " + escape + b"\r\n\r\n",
        b"POST /predict HTTP/1.1\r\n" + host + b"Transfer-Encoding: " + escape + b"\r\n\r\n",
        b"POST /predict HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n" + raw,
    ):
        say(service, request)


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["json", "console"])
def test_no_request_makes_a_line_of_the_log(tmp_path: Path, shape: Any) -> None:
    """Each line is one of ours, none holds what was sent, and none moves a terminal's cursor."""
    with running_service(tmp_path / "service", log_format=shape, log_level="DEBUG") as service:
        attack(service)
        log = (service.settings.data_dir / "log" / "api.log").read_bytes().decode()

    assert "request refused" in log
    assert not {each for each in log if each != "\n" and not each.isprintable()}
    for line in log.removesuffix("\n").split("\n"):
        if shape == "json":
            assert json.loads(line)["event"] != FORGED
        else:
            assert OURS.match(line), line
        assert FORGED not in line, line
