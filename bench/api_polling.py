"""How many requests a second ``GET /jobs/{id}`` bears under 16 pollers, beside an empty Flask view.

Usage: python -m bench.api_polling [--rounds 5] [--seconds 2]

Both run under the API's own gunicorn configuration, in turns within one run, so that whatever else
the machine does meets both. Without AVEMOTION_DATABASE_URL and AVEMOTION_BROKER_URL the embedded
servers are used. Exit status 1 if a ratio is below its goal.
"""

from __future__ import annotations

import argparse
import select
import socket
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
from sqlalchemy.orm import Session

from bench.api_server import serve
from client.stack.stack import EmbeddedStack
from migrations.upgrade import upgrade
from shared.database import connect, transact
from shared.lifecycle import open_job
from shared.settings import Settings
from shared.tables import Job, JobStatus, Prediction, Priority, Segment, WorkStatus

POLLERS = 16
WINDOWS = 3
RECV_BYTES = 65_536
GOALS = {"200": 0.60, "304": 0.75}
LABELS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


def make_job(settings: Settings) -> UUID:
    """Write a running job with a few windows done, and return its id."""
    job = Job(
        request_sha256="bench",
        fusion="early",
        analyzer="landmarker",
        model=settings.model,
        window_s=2.0,
        stride_s=2.0,
        priority=Priority.INTERACTIVE,
        status=JobStatus.RUNNING,
        started_at=datetime.now(UTC),
        segments_total=1,
        stage="inference",
        stage_seconds={"ingest": 0.21, "faces": 1.48, "sound": 0.33, "fusion": 0.12},
        media={"duration_s": 6.0, "fps": 25.0, "width": 1280, "height": 720, "sample_rate": 48000},
    )

    def work(session: Session) -> UUID:
        open_job(session, job)
        segment = Segment(job_id=job.id, index=0, start_s=0, end_s=6)
        session.add(segment)
        session.flush()
        for index in range(WINDOWS):
            session.add(
                Prediction(
                    job_id=job.id,
                    segment_id=segment.id,
                    index=index,
                    rank=0,
                    start_s=2.0 * index,
                    end_s=2.0 * index + 2,
                    modalities=["video", "audio"],
                    face_coverage=0.98,
                    voice_activity=0.61,
                    probabilities=dict.fromkeys(LABELS, 0.14286),
                    valence=0.12345,
                    arousal=-0.54321,
                    status=WorkStatus.DONE,
                )
            )
        return job.id

    return transact(connect(settings, pool_size=1), work)


def measure(port: int, requests: list[bytes], status: bytes, seconds: float) -> float:
    """Return answers a second over kept-alive connections, one a poller, each with its own request."""
    pollers = {}
    watch = select.epoll()
    for request in requests:
        poller = socket.create_connection(("127.0.0.1", port))
        poller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        watch.register(poller.fileno(), select.EPOLLIN)
        pollers[poller.fileno()] = poller, request
        poller.sendall(request)
    half: dict[int, bytes] = {}
    answers, started = 0, time.perf_counter()
    while (spent := time.perf_counter() - started) < seconds:
        for descriptor, _ in watch.poll(1):
            poller, request = pollers[descriptor]
            data = half.pop(descriptor, b"") + poller.recv(RECV_BYTES)
            if not is_whole(data):
                half[descriptor] = data
                continue
            if not data.startswith(status):
                raise RuntimeError(f"unexpected answer: {data[:200]!r}")
            answers += 1
            poller.sendall(request)
    for poller, _ in pollers.values():
        poller.close()
    watch.close()
    return answers / spent


def is_whole(data: bytes) -> bool:
    """Tell whether ``data`` is an answer up to its last byte."""
    if not data:
        raise RuntimeError("the server closed the connection")
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    start = head.lower().find(b"content-length:")
    if start < 0:
        return True
    return len(body) >= int(head[start + 15 :].split(b"\r\n", 1)[0])


def get(port: int, path: str, *headers: str) -> bytes:
    """Return a GET request as it goes over the wire."""
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "User-Agent: bench", "Accept: */*", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def tag_of(port: int, path: str) -> str:
    """Return the ETag that the API gives."""
    return str(httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False).headers["ETag"])


def run(settings: Settings, rounds: int, seconds: float) -> dict[str, float]:
    """Measure in turns; return the median requests a second of each kind."""
    paths = [f"/jobs/{make_job(settings)}" for _ in range(POLLERS)]
    found: dict[str, list[float]] = {"empty": [], "200": [], "304": []}
    with serve(settings, "bench.empty_view:app") as bare, serve(settings) as full:
        empty, api = bare.port, full.port
        known = [get(api, path, f"If-None-Match: {tag_of(api, path)}") for path in paths]
        turns = {
            "empty": (empty, [get(empty, "/")] * POLLERS, b"HTTP/1.1 200"),
            "200": (api, [get(api, path) for path in paths], b"HTTP/1.1 200"),
            "304": (api, known, b"HTTP/1.1 304"),
        }
        for turn in turns.values():
            measure(*turn, seconds / 2)
        for number in range(rounds):
            for name, turn in turns.items():
                found[name].append(measure(*turn, seconds))
            last = ", ".join(f"{name} {rates[-1]:.0f}/s" for name, rates in found.items())
            print(f"round {number + 1}: {last}")
    return {name: statistics.median(rates) for name, rates in found.items()}


def main() -> int:
    """Measure, print, and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one measurement")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="avemotion-bench-") as folder:
        settings = Settings(data_dir=Path(folder), port=0)
        with EmbeddedStack(settings, services=lambda *_: ()) as servers:
            upgrade(servers.settings)
            rates = run(servers.settings, options.rounds, options.seconds)
    print(f"empty view {rates['empty']:.0f}/s, GET 200 {rates['200']:.0f}/s, GET 304 {rates['304']:.0f}/s")
    reached = {name: rates[name] / rates["empty"] for name in GOALS}
    for name, goal in GOALS.items():
        print(f"{name}: {reached[name]:.0%} of the empty view (goal: {goal:.0%})")
    return int(any(reached[name] < goal for name, goal in GOALS.items()))


if __name__ == "__main__":
    sys.exit(main())
