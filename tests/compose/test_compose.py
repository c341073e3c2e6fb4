"""The containers as an operator runs them. Needs an engine: ``make compose-test``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.compose.clip import LENGTH_S
from tests.compose.service import Service
from tests.compose.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

WINDOW_S = 2
JOB_LIMIT_S = 600
RESTART_LIMIT_S = 180


def assert_one_result(job: dict[str, Any]) -> None:
    """Each window of the clip was scored, and scored once."""
    assert job["status"] == "succeeded", job
    assert job["error"] is None
    starts = [window["start_s"] for window in job["windows"]]
    whole = list(range(0, LENGTH_S, WINDOW_S))
    assert starts[: len(whole)] == whole
    # What a few frames more than whole windows leave over has one window of its own.
    assert len(starts) <= len(whole) + 1
    assert all(window["probabilities"] for window in job["windows"])
    assert job["summary"]["emotion"] in job["model"]["labels"]
    assert job["segments"]["done"] == job["segments"]["total"] > 1


def test_clip_is_scored(service: Service, clip: Path) -> None:
    """A clip that is sent to the containers' API comes back scored from face and voice."""
    job = service.wait_ended(service.submit(clip), limit_s=JOB_LIMIT_S)
    assert_one_result(job)
    assert job["modalities"] == ["video", "audio"]
    assert job["analyzer"]["usable_frames"] > 0


def test_key_is_asked_for(stack: Stack) -> None:
    """The API listens for other machines, so it answers nobody without a key."""
    assert httpx.get(f"{stack.url}/jobs").status_code == 401
    assert httpx.get(f"{stack.url}/healthz").status_code == 200


@pytest.mark.parametrize("victim", ["postgres", "valkey", "media", "express", "inference"])
def test_job_outlives_crash(stack: Stack, service: Service, clip: Path, victim: str) -> None:
    """A job in progress ends in one result when a container dies, with nobody's help."""
    job_id = service.submit(clip)
    service.wait_half_done(job_id, limit_s=JOB_LIMIT_S)

    crashed_at = datetime.now(UTC)
    container = stack.crash(victim)

    job = service.wait_ended(job_id, limit_s=JOB_LIMIT_S)
    assert_one_result(job)
    assert datetime.fromisoformat(job["finished_at"]) > crashed_at
    stack.wait_restarted(container, times=1, limit_s=RESTART_LIMIT_S)


def test_results_outlive_restart(stack: Stack, service: Service, clip: Path) -> None:
    """Containers are made anew on their volumes, and an earlier job still has its result."""
    job_id = service.submit(clip)
    before = service.wait_ended(job_id, limit_s=JOB_LIMIT_S)
    assert_one_result(before)

    stack.down(volumes=False)
    stack.up()

    assert service.job(job_id) == before
    assert service.wait_ended(service.submit(clip), limit_s=JOB_LIMIT_S)["status"] == "succeeded"
