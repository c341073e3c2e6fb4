from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.acceptance.runbook.conftest import LEASE_S
from tests.acceptance.runbook.desk import Desk
from tests.acceptance.service import Service, running_service
from tests.servers import wait_until

pytestmark = pytest.mark.slow

# A release whose faces stage fails for every clip: its module is another.
BROKEN = """
import sys, types
module = types.ModuleType("worker.stages.faces")
def run(*_):
    raise AttributeError("a release that nobody tried")
module.run = run
sys.modules["worker.stages.faces"] = module
"""
JOBS = 5


def test_a_release_that_fails_every_job(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five jobs end in internal_error; with the release taken back they begin anew, and all succeed."""
    release = tmp_path / "release"
    release.mkdir()
    (release / "sitecustomize.py").write_text(BROKEN)
    monkeypatch.setenv("PYTHONPATH", f"{release}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with running_service(tmp_path / "service", lease_s=LEASE_S) as service:
        monkeypatch.undo()
        desk = Desk("A bad release", service.settings, tmp_path)
        upload = service.upload(clip)
        jobs = [service.predict(video_id=upload) for _ in range(JOBS)]
        for job in jobs:
            assert service.end_of(job)["error"]["code"] == "internal_error"
        status, failed = desk.follow("Look")
        assert f"last hour  {JOBS} internal_error" in status.out
        assert status.code == 1
        assert f"{JOBS} jobs of the last hour ended in internal_error: is the release bad?" in status.out
        assert [job for job in jobs if job in failed.out] == jobs

        # The supervisor starts the next one as it started the last: only the release is another.
        (release / "sitecustomize.py").unlink()
        restart(service, "media")
        [requeued] = desk.follow("Mend")
        assert requeued.err == f"{JOBS} jobs begin anew.\n"
        for job in jobs:
            service.assert_scored_once(service.end_of(job))
        assert desk.follow("Over")[0].out == "There are no such jobs.\n"
        desk.assert_all_done()


def restart(service: Service, name: str) -> None:
    """Restart one of the processes, as a roll-back does."""
    pid = service.pid(name)
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: service.stack.pids().get(name, pid) != pid)
