from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis

from client.stack.services import service_environment
from shared.janitors import find_janitors
from shared.queue import queue_lengths
from shared.tables import StageName
from tests.acceptance.runbook.desk import Desk
from tests.acceptance.service import Service
from tests.servers import wait_until

pytestmark = pytest.mark.slow

CASES = ("drained", "frozen", "lost")


def test_a_stuck_queue(service: Service, clip: Path, tmp_path: Path) -> None:
    """Drained workers, a frozen process, and lost messages with a dead janitor: each shows, and is mended."""
    desk = Desk("A stuck queue", service.settings, tmp_path)
    upload = service.upload(clip)
    service.assert_scored_once(service.end_of(service.predict(video_id=upload)))

    drain(service)
    job = service.predict(video_id=upload)
    status, _, _ = desk.follow("Look")
    assert status.code == 1
    assert "and no worker takes from it." in status.out
    [put_back] = desk.follow("Mend", CASES[0])
    assert put_back.err.count("takes work again.") == 2
    service.assert_scored_once(service.end_of(job))
    assert desk.follow("Over")[0].code == 0

    job = freeze(service, upload)
    wait_until(lambda: "no longer holds it; `avemotion ops unstick`." in desk.follow("Look")[0].out)
    assert service.http.get(f"/jobs/{job}").json()["status"] == "running"
    [killed] = desk.follow("Mend", CASES[1])
    assert killed.err.endswith("1 process is killed.\n"), killed.err
    service.assert_scored_once(service.end_of(job))

    janitor = psutil.Process(service.pid("janitor"))
    janitor.suspend()
    try:
        drain(service)
        job = service.predict(video_id=upload)
        # A worker that was about to take the message puts it back first.
        wait_until(lambda: sum(queue_lengths(service.settings).values()) == 1)
        with redis.Redis.from_url(str(service.settings.broker_url)) as valkey:
            valkey.flushall()
        desk.follow("Mend", CASES[0])
        wait_until(lambda: "1 message lost for" in desk.follow("Look")[0].out)
        status = desk.follow("Look")[0]
        assert status.code == 1
        assert "janitor: None has shown itself for a minute" in status.out
        other = start_janitor(service)
        try:
            wait_until(lambda: bool(find_janitors(service.settings)))
            desk.follow("Mend", CASES[2])
            service.assert_scored_once(service.end_of(job))
            assert desk.follow("Over")[0].code == 0
        finally:
            other.terminate()
            other.wait()
    finally:
        janitor.resume()
    desk.assert_all_done()


def drain(service: Service) -> None:
    """Have all workers take nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "client.main", "ops", "drain", "--yes", "--timeout", "3"],
        env=service_environment(service.settings),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.count("takes no new work") == 2


def freeze(service: Service, upload: str) -> str:
    """Freeze the media worker's only process while it has a job; return the job."""
    while True:
        child = service.child("media")
        job = service.predict(video_id=upload)
        if service.wait_for_lease(job, StageName.FACES):
            os.kill(child, signal.SIGSTOP)
            return job
        service.end_of(job)


def start_janitor(service: Service) -> subprocess.Popen[bytes]:
    """Start a janitor as on another host."""
    return subprocess.Popen(
        [sys.executable, "-m", "worker", "janitor"],
        env=service_environment(service.settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
