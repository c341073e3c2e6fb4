"""What only a real server and real connections can show."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from shared.settings import Settings
from shared.storage import Storage
from shared.tables import Upload, UploadState
from tests.integration.api.conftest import LiveApi, answers, serve, video
from tests.processes import counts_of
from tests.servers import wait_until

FORM = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\nContent-Type: video/mp4\r\n\r\n'
)


def head(path: str, *lines: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def answer_of(connection: socket.socket) -> tuple[int, bytes]:
    """Return status and everything that was read up to the end of the connection."""
    data = b""
    while piece := connection.recv(65536):
        data += piece
        top, found, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in top.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        if found and len(body) >= length:
            break
    return int(data.split(b" ", 2)[1]), data


def uploads(engine: Engine) -> list[Upload]:
    with Session(engine) as session:
        return list(session.scalars(select(Upload)))


def pieces(size: int) -> Iterator[bytes]:
    """Yield a body of unknown length in pieces of all sizes."""
    data = video().ljust(size, b"\xab")
    step = 1
    while data:
        yield data[:step]
        data, step = data[step:], step * 3 % 70_001 + 1


def test_chunked_bodies(http: httpx.Client, storage: Storage) -> None:
    """Bodies of unknown length are stored whole, raw or as a form."""
    raw = http.post("/upload/video", content=pieces(1_000_000))
    assert (raw.status_code, raw.json()["size_bytes"]) == (201, 1_000_000)
    stored = storage.read(f"uploads/{raw.json()['id']}")
    assert stored == video().ljust(1_000_000, b"\xab")

    def form() -> Iterator[bytes]:
        yield FORM
        yield from pieces(1_000_000)
        yield b"\r\n--x--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    again = http.post("/upload/video", content=form(), headers=headers)
    assert (again.status_code, again.json()["id"]) == (200, raw.json()["id"])


@pytest.mark.parametrize(
    "sent",
    [
        head("/upload/video", "Content-Length: 1000000") + video().ljust(300_000, b"x"),
        head("/upload/video", "Transfer-Encoding: chunked") + chunk(video().ljust(300_000, b"x")),
        head("/upload/video", "Transfer-Encoding: chunked") + chunk(video().ljust(300_000, b"x"))[:200_000],
        head("/upload/video", "Content-Length: 1000000", "Content-Type: multipart/form-data; boundary=x")
        + FORM
        + video().ljust(300_000, b"x"),
        head("/upload/video", "Transfer-Encoding: chunked", "Content-Type: multipart/form-data; boundary=x")
        + chunk(FORM + video().ljust(300_000, b"x"))
        + b"0\r\n\r\n",
    ],
    ids=["length", "chunks", "chunk", "form", "form that ends in its file"],
)
def test_upload_that_stops_half_way(live: LiveApi, engine: Engine, storage: Storage, sent: bytes) -> None:
    """An upload that breaks off is refused if anybody still listens, and nothing of it is kept."""
    with live.connect() as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        status, data = answer_of(connection)
    assert status == 400
    assert b'"upload_incomplete"' in data
    assert uploads(engine) == []
    assert storage.names("uploads") == []


def test_client_that_vanishes(live: LiveApi, engine: Engine, storage: Storage) -> None:
    """An upload whose client goes away without a word leaves nothing, and the server goes on."""
    connection = live.connect()
    connection.sendall(head("/upload/video", "Content-Length: 5000000") + video().ljust(300_000, b"x"))
    wait_until(lambda: [row.state for row in uploads(engine)] == [UploadState.RECEIVING])
    # No goodbye: the connection is reset.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    wait_until(lambda: uploads(engine) == [])
    assert storage.names("uploads") == []
    assert httpx.get(f"{live.url}/healthz", trust_env=False).status_code == 200


def test_killed_server_leaves_a_row(live: LiveApi, engine: Engine, storage: Storage) -> None:
    """When the server dies in the middle of an upload, a row still tells of whatever was stored."""
    with live.connect() as connection:
        connection.sendall(head("/upload/video", "Content-Length: 5000000") + video().ljust(3_000_000, b"x"))
        wait_until(lambda: storage.names("uploads") != [])
        for child in psutil.Process(live.process.pid).children():
            os.kill(child.pid, signal.SIGKILL)
        with suppress(ConnectionResetError):
            wait_until(lambda: not connection.recv(1))
    [row] = uploads(engine)
    assert row.state is UploadState.RECEIVING
    assert storage.names("uploads") == [str(row.id)]


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"GET /jobs?cursor=" + b"a" * 5_000 + b" HTTP/1.1\r\n\r\n", 414, "request_too_large"),
        (b"GET /jobs HTTP/1.1\r\nCookie: " + b"a" * 9_000 + b"\r\n\r\n", 431, "request_too_large"),
        (b"GET /jobs HTTP/1.1\r\nno header\r\n\r\n", 400, "malformed_request"),
        (b"\x16\x03\x01 a browser that was told https\r\n\r\n", 400, "malformed_request"),
        (b"GET /jobs HTTP/1.1\r\nTransfer-Encoding: strange\r\n\r\n", 501, "malformed_request"),
    ],
    ids=["a long address", "a long header", "no header", "no HTTP", "an unknown coding"],
)
def test_what_cannot_be_read_gets_a_problem(live: LiveApi, request_: bytes, status: int, code: str) -> None:
    """The server in front of the application refuses as the application does: typed, and in a sentence."""
    with live.connect() as connection:
        connection.sendall(request_)
        said, answer = answer_of(connection)
    top, _, body = answer.partition(b"\r\n\r\n")
    problem = json.loads(body)
    assert (said, problem["status"], problem["code"]) == (status, status, code)
    assert b"application/problem+json" in top
    assert problem["detail"].endswith(".")


@pytest.mark.parametrize(
    ("path", "code"), [("/upload/video", b"unsupported_media"), ("/predict", b"malformed_request")]
)
def test_refusal_reaches_the_client(live: LiveApi, path: str, code: bytes) -> None:
    """A client that sends all of a large body before it reads is told why it was refused."""
    body = b"no media at all, " * 2_000_000
    with live.connect() as connection:
        connection.sendall(head(path, f"Content-Length: {len(body)}") + body)
        assert code in answer_of(connection)[1]


def test_size_limit_on_streams(settings: Settings, engine: Engine, storage: Storage, tmp_path: Path) -> None:
    """A body of unknown length is cut off at the limit; one of known length is refused before it is read."""
    small = settings.model_copy(update={"max_upload_bytes": 500_000})
    with serve(small, tmp_path / "gunicorn.log") as live:
        answer = httpx.post(f"{live.url}/upload/video", content=pieces(2_000_000), trust_env=False)
        assert (answer.status_code, answer.json()["code"]) == (413, "media_too_large")
        with live.connect() as connection:
            connection.sendall(head("/upload/video", "Content-Length: 99999999999"))
            status, data = answer_of(connection)
        assert (status, b'"media_too_large"' in data) == (413, True)
    assert uploads(engine) == []
    assert storage.names("uploads") == []


def test_equal_uploads_at_once(live: LiveApi, engine: Engine, storage: Storage) -> None:
    """Equal uploads that come at the same moment end as one, of which all are told."""
    data, start, replies = video().ljust(2_000_000, b"x"), threading.Barrier(8), []

    def send() -> None:
        start.wait()
        replies.append(httpx.post(f"{live.url}/upload/video", content=data, timeout=30, trust_env=False))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in replies) == [200] * 7 + [201]
    [row] = uploads(engine)
    assert {answer.json()["id"] for answer in replies} == {str(row.id)}
    assert storage.names("uploads") == [str(row.id)]


def test_polls_on_one_connection(live: LiveApi, http: httpx.Client) -> None:
    """Documents and 304s follow each other on one connection, each where it belongs."""
    video_id = http.post("/upload/video", content=video()).json()["id"]
    made = http.post("/predict", json={"video_id": video_id})
    address, document = made.headers["Location"], made.json()
    lines = [f"GET {address} HTTP/1.1", "Host: localhost"]
    plain = "\r\n".join([*lines, "", ""]).encode()
    known = "\r\n".join([*lines, f"If-None-Match: {made.headers['ETag']}", "", ""]).encode()
    with live.connect() as connection:
        for _ in range(3):
            connection.sendall(plain)
            status, data = answer_of(connection)
            assert status == 200
            assert data.endswith(b"}")
            connection.sendall(known)
            assert answer_of(connection)[0] == 304
    assert http.get(address).json() == document


def test_counts_of_all_processes(settings: Settings, tmp_path: Path) -> None:
    """The metrics of one process count what every process of the server did."""
    with serve(settings.model_copy(update={"api_processes": 2}), tmp_path / "gunicorn.log") as live:
        for _ in range(20):
            httpx.get(f"{live.url}/models", trust_env=False)
        found = httpx.get(f"{live.url}/metrics", trust_env=False).text
    assert 'route="/models",status="200"} 20.0' in found
    assert list(tmp_path.glob("avemotion-counts-*")) == []


def test_lost_counts(settings: Settings, tmp_path: Path) -> None:
    """A process that finds the folder of counts removed answers all the same."""
    with serve(settings, tmp_path / "gunicorn.log") as live:
        shutil.rmtree(counts_of(live.process.pid))
        [first] = psutil.Process(live.process.pid).children()
        first.kill()
        first.wait(10)
        wait_until(lambda: answers(live), 20)


def test_server_stops_with_requests_waiting(live: LiveApi, http: httpx.Client) -> None:
    """A server that is stopped answers those who wait first, and then ends by itself."""
    video_id = http.post("/upload/video", content=video()).json()["id"]
    address = http.post("/predict", json={"video_id": video_id}).headers["Location"]
    replies = []

    def wait_long() -> None:
        replies.append(httpx.get(f"{live.url}{address}?wait=30", timeout=30, trust_env=False))

    thread = threading.Thread(target=wait_long)
    thread.start()
    worker = psutil.Process(live.process.pid).children()[0]
    # That of the client above, and that which waits.
    wait_until(lambda: sum(c.laddr.port == live.port for c in worker.net_connections("tcp")) > 1 + 1)
    live.process.send_signal(signal.SIGTERM)
    assert live.process.wait(12) == 0
    thread.join()
    assert replies[0].json()["status"] == "queued"
