from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from client.stack.services import service_environment
from tests.acceptance.runbook.conftest import LEASE_S
from tests.acceptance.runbook.desk import Desk
from tests.acceptance.service import running_service
from tests.servers import wait_until

pytestmark = pytest.mark.slow


def test_a_leaked_key(clip: Path, tmp_path: Path) -> None:
    """What it made is seen, it is revoked, and what the thief made goes; what was there before stays."""
    with running_service(tmp_path / "service", auth="on", lease_s=LEASE_S) as service:
        desk = Desk("A leaked key", service.settings, tmp_path)

        def create(name: str) -> tuple[str, httpx.Client]:
            argv = [sys.executable, "-m", "client.main", "ops", "keys", "create", name]
            done = subprocess.run(
                argv, env=service_environment(service.settings), capture_output=True, text=True, check=True
            )
            headers = {"Authorization": f"Bearer {done.stdout.strip()}"}
            client = httpx.Client(
                base_url=service.stack.api_url, headers=headers, trust_env=False, timeout=60
            )
            return done.stderr.split()[1], client

        key, leaked = create("lab")
        _, other = create("clinic")
        mark = clip.read_bytes()
        mine, thiefs, left = (send(leaked, mark + bytes([each])) for each in (1, 2, 3))
        theirs = send(other, mark)
        before, after = (job_of(leaked, upload) for upload in (mine, thiefs))
        with service.engine.begin() as connection:
            for table, row in (("jobs", before), ("uploads", mine)):
                connection.execute(
                    text(f"UPDATE {table} SET created_at = now() - interval '9 days' WHERE id = :id"),  # noqa: S608
                    {"id": row},
                )

        keys, shown, jobs = desk.follow("Look", KEY=key)
        assert key in keys.out
        assert "uploads    3 uploads" in shown.out
        assert after in jobs.out
        assert before not in jobs.out

        [rotated] = desk.follow("Mend", "its secret", KEY=key)
        wait_until(lambda: leaked.get(f"/jobs/{before}").status_code == 401)
        owner = httpx.Client(
            base_url=service.stack.api_url,
            headers={"Authorization": f"Bearer {rotated.out.strip()}"},
            trust_env=False,
        )
        assert owner.get(f"/jobs/{before}").status_code == 200
        desk.follow("Mend", "what was made", KEY=key)
        assert owner.get(f"/jobs/{after}").status_code == 404
        assert other.get("/jobs").status_code == 200
        desk.follow("Mend", "for good", KEY=key)
        wait_until(lambda: owner.get(f"/jobs/{before}").status_code == 401)
        for upload in (thiefs, left):
            assert not service.storage.exists(f"uploads/{upload}")
        for upload in (mine, theirs):
            assert service.storage.exists(f"uploads/{upload}")
        assert "uploads    1 upload (" in desk.follow("Over", KEY=key)[0].out
        desk.assert_all_done()


def send(client: httpx.Client, data: bytes) -> str:
    """Upload a video and return its id."""
    answer = client.post("/upload/video", content=data)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def job_of(client: httpx.Client, upload: str) -> str:
    """Post a job and return its id."""
    answer = client.post("/predict", json={"video_id": upload})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])
