"""What an operator sees of real workers, and how one is taken out of service and put back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from client.stack.services import service_environment
from shared.queue import queue_names
from shared.tables import StageName
from tests.acceptance.service import Service, running_service
from tests.servers import wait_until

pytestmark = pytest.mark.slow


def ops(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``avemotion ops`` as an operator of the service does."""
    return subprocess.run(
        [sys.executable, "-m", "client.main", "ops", *arguments],
        env=service_environment(service.settings),
        capture_output=True,
        text=True,
        check=False,
    )


def workers(service: Service) -> dict[str, dict[str, Any]]:
    """Return what is told of each worker, by its role."""
    done = ops(service, "workers", "--json", "--timeout", "3")
    assert done.returncode == 0, done.stderr
    return {node["name"].partition("@")[0]: node for node in json.loads(done.stdout)}


def test_a_worker_is_drained_and_put_back(tmp_path: Path, face_clip: Path) -> None:
    """It ends what it has begun, takes nothing new until it is put back, and nothing is lost meanwhile."""
    with running_service(tmp_path, lease_s=120.0, stage_time_limit_s=200.0) as service:
        wait_until(lambda: set(workers(service)) == {"media", "inference"})
        first = workers(service)["media"]
        assert first["processes"] == 1
        assert first["queues"] == queue_names("media", ("landmarker",))
        assert first["tasks"] == []

        child = service.child("media")
        begun = service.submit(face_clip)
        assert service.wait_for_lease(begun, StageName.FACES)
        os.kill(child, signal.SIGSTOP)
        try:
            [task] = workers(service)["media"]["tasks"]
            assert task["stage"] in {"ingest", "faces"}
            assert begun in task.values() or task["subject"] == "segment"
            drained = ops(service, "drain", "media", "--timeout", "3")
            assert drained.returncode == 0, drained.stderr
            assert "takes no new work: 1 task is left to end." in drained.stderr
        finally:
            os.kill(child, signal.SIGCONT)
        waited = ops(service, "drain", "media", "--wait", "--timeout", "3")
        assert waited.stderr.endswith("Nothing left to do.\n")
        service.assert_scored_once(service.end_of(begun))

        waiting = service.submit(face_clip, fusion="late")
        assert workers(service)["media"]["queues"] == []
        status = ops(service, "status")
        assert status.returncode == 1
        assert "media.interactive.ingest: 1 unit of work ready, 1 message, and no worker" in status.stdout
        assert service.http.get(f"/jobs/{waiting}").json()["status"] == "queued"

        put_back = ops(service, "drain", "media", "--off", "--timeout", "3")
        assert "takes work again." in put_back.stderr
        assert workers(service)["media"]["queues"] == first["queues"]
        service.assert_scored_once(service.end_of(waiting))
        assert ops(service, "status").returncode == 0
