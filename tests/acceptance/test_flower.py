"""Flower beside a real worker: it shows who is there and what was done, to those who may look."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from client.stack.services import service_environment
from tests.acceptance.seeing import PATIENCE
from tests.acceptance.service import Service, running_service
from tests.acceptance.test_metrics import free_ports
from tests.servers import wait_until

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
AUTH = ("ops", "secret")
STAGES = {f"avemotion.{name}" for name in ("ingest", "inference")}


@contextmanager
def running_flower(service: Service) -> Iterator[httpx.Client]:
    """Run Flower on a free port; yield a client that may look."""
    port = free_ports(1)
    environment = service_environment(service.settings) | {
        "FLOWER_BASIC_AUTH": ":".join(AUTH),
        "FLOWER_PORT": str(port),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "worker.flower"]
    with subprocess.Popen(command, env=environment) as flower:
        base_url = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base_url, auth=AUTH, timeout=30, trust_env=False) as client:
            try:
                wait_until(lambda: answers(client))
                yield client
            finally:
                flower.terminate()
                flower.wait(60)


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthcheck").status_code == 200
    except httpx.TransportError:
        return False


def test_flower_shows_workers_and_tasks(tmp_path: Path, face_clip: Path) -> None:
    """Workers and the tasks of a job, whose arguments are ids; it changes nothing, and asks who looks."""
    with (
        running_service(tmp_path, task_events=True, **PATIENCE) as service,
        running_flower(service) as flower,
    ):
        wait_until(lambda: len(flower.get("/api/workers", params={"refresh": 1}).json()) == 2)
        upload = service.upload(face_clip)
        job_id = service.predict(video_id=upload)
        service.assert_scored_once(service.end_of(job_id))

        wait_until(lambda: {task["name"] for task in tasks(flower)} >= STAGES)
        workers = {name.partition("@")[0] for name in flower.get("/api/workers").json()}
        stopped = flower.post(f"/api/worker/shutdown/{next(iter(flower.get('/api/workers').json()))}")
        stranger = httpx.get(flower.base_url.join("/api/workers"), trust_env=False)
        seen = tasks(flower)

    assert workers == {"media", "inference"}
    # Of the one job, however often it was sent on a busy machine.
    assert {task["args"] for task in seen if task["name"] == "avemotion.ingest"} == {f"('{job_id}',)"}
    assert stopped.status_code == 403
    assert stranger.status_code == 401


def tasks(flower: httpx.Client) -> list[dict[str, str]]:
    return list(flower.get("/api/tasks").json().values())


def test_workers_tell_nobody_unless_it_is_wanted(tmp_path: Path, face_clip: Path) -> None:
    """Flower shows workers that send no events, and no tasks."""
    with running_service(tmp_path, **PATIENCE) as service, running_flower(service) as flower:
        wait_until(lambda: len(flower.get("/api/workers", params={"refresh": 1}).json()) == 2)
        service.assert_scored_once(service.score(face_clip))
        assert tasks(flower) == []


@pytest.mark.parametrize("given", [{}, {"FLOWER_BASIC_AUTH": ""}, {"FLOWER_BASIC_AUTH": "ops"}])
def test_flower_does_not_start_for_everybody(given: dict[str, str]) -> None:
    """Without a name and a password it ends at once, with a sentence that says what to set."""
    environment = {name: value for name, value in os.environ.items() if name != "FLOWER_BASIC_AUTH"}
    done = subprocess.run(
        [sys.executable, "-m", "worker.flower"],
        env={**environment, "PYTHONPATH": str(ROOT), **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Set FLOWER_BASIC_AUTH to NAME:PASSWORD" in done.stderr
