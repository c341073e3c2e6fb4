from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from shared.tables import StageName
from tests.acceptance.runbook.desk import Desk
from tests.acceptance.service import Service
from tests.servers import wait_until

pytestmark = pytest.mark.slow


def test_a_poison_file(service: Service, clip: Path, tmp_path: Path) -> None:
    """What kills its worker each time is found, kept for a report, and erased with every job that has it."""
    desk = Desk("A poison file", service.settings, tmp_path)
    poison = tmp_path / "poison.mp4"
    poison.write_bytes(clip.read_bytes() + bytes(8))
    job = service.submit(poison)
    with killing(service, job):
        document = service.end_of(job)
    assert document["error"]["code"] == "worker_lost"
    upload = service.upload(poison)
    again = service.predict(video_id=upload, fusion="late")
    wait_until(lambda: service.end_of(again)["status"] == "succeeded")
    innocent = service.score(clip)

    failed, media = desk.follow("Look", JOB=job)
    assert job in failed.out
    assert failed.out.split()[-1] == "3"
    assert media.out.startswith(f"{upload}  video  video/mp4")
    assert media.out.endswith("of 2 jobs\n")

    desk.follow("Mend", JOB=job)
    [copy] = (tmp_path / "report").iterdir()
    assert copy.name == f"{upload}.upload"
    assert copy.read_bytes() == poison.read_bytes()
    assert copy.stat().st_mode & 0o077 == 0
    for gone in (job, again):
        assert service.http.get(f"/jobs/{gone}").status_code == 404
    assert not service.storage.exists(f"uploads/{upload}")

    assert desk.follow("Over")[0].out == "There are no such jobs.\n"
    assert service.http.get(f"/jobs/{innocent['job_id']}").json()["status"] == "succeeded"
    desk.assert_all_done()


@contextmanager
def killing(service: Service, job: str) -> Iterator[None]:
    """Have whatever process runs the faces of a job die of it."""
    over = threading.Event()

    def kill() -> None:
        while not over.is_set():
            child = service.child("media")
            if not service.wait_for_lease(job, StageName.FACES):
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            wait_until(lambda pid=child: not psutil.pid_exists(pid) or over.is_set())  # type: ignore[misc]

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        over.set()
        killer.join()
