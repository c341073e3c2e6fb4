from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from tests.acceptance.runbook.conftest import LEASE_S
from tests.acceptance.runbook.desk import Desk
from tests.acceptance.service import Service, running_service
from tests.disks import mounted
from tests.servers import wait_until

pytestmark = pytest.mark.slow

PIECE = bytes(1024 * 1024)


def test_a_full_disk(clip: Path, tmp_path: Path) -> None:
    """Uploads are refused, jobs put off and failed; with room again all go on, and nothing is left over."""
    with (
        mounted(tmp_path / "disk", "40m") as disk,
        running_service(
            tmp_path / "service", storage_url=f"file://{disk / 'storage'}", scratch_dir=disk, lease_s=LEASE_S
        ) as service,
    ):
        desk = Desk("A full disk", service.settings, tmp_path)
        old = service.score(clip)
        upload = service.upload(clip, "audio")
        with filled(disk):
            refused = service.http.post("/upload/video", content=clip.read_bytes() * 2)
            assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")
            assert "no room" in refused.json()["detail"]
            job = service.predict(audio_id=upload)
            document = service.end_of(job)
            assert document["error"]["code"] == "service_unavailable"
            answers_all_the_same(service, old["job_id"])
            status, doctor = desk.follow("Look")
            assert status.code == doctor.code == 1
            assert "storage    DOWN Only" in status.out
            assert "FAIL disk" in doctor.out
            assert not half_files(service)
            make_old(service, old["job_id"])
            dry, purged = desk.follow("Mend", "by room")
            assert dry.out.startswith("Ended 7 d ago or earlier: 1 job, 1 upload (")
            assert purged.err == "1 job erased.\n"
        [requeued] = desk.follow("Mend", "after that")
        assert requeued.err == "1 job begins anew.\n"
        service.assert_scored_once(service.end_of(job))
        assert service.http.post("/upload/video", content=clip.read_bytes() * 2).status_code == 201
        assert not service.orphans()
        [over] = desk.follow("Over")
        assert "storage    ok   answers" in over.out
        desk.assert_all_done()


def test_a_full_disk_of_the_database(clip: Path, tmp_path: Path) -> None:
    """Requests are refused while PostgreSQL cannot write; with room again jobs are scored."""
    folder = tmp_path / "service"
    folder.mkdir()
    with mounted(folder / "postgres", "160m") as disk, running_service(folder, lease_s=LEASE_S) as service:
        upload = service.upload(clip)
        with filled(disk):
            refused = fill_rows(service, upload)
            assert (refused.status_code, refused.json()["code"]) == (503, "service_unavailable")
            assert "database" in refused.json()["detail"]
        posted: list[str] = []

        def post() -> bool:
            answer = service.http.post("/predict", json={"video_id": upload})
            posted[:] = [answer.json().get("job_id", "")]
            return answer.status_code == 202

        wait_until(post)
        service.assert_scored_once(service.end_of(posted[0]))


def fill_rows(service: Service, upload: str) -> httpx.Response:
    """Post jobs until the database takes no more of them, and return that answer."""
    for _ in range(20_000):
        answer = service.http.post("/predict", json={"video_id": upload, "priority": "bulk"})
        if answer.status_code != 202:
            return answer
    raise AssertionError("the disk was never full")


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Fill a disk to its last byte while the block runs."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as stream:
        piece = PIECE
        while piece:
            try:
                stream.write(piece)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                piece = piece[: len(piece) // 2]
    try:
        yield
    finally:
        ballast.unlink()


def answers_all_the_same(service: Service, job_id: str) -> None:
    """Fail unless the API goes on to answer, under many names of metrics too."""
    for path in ("/jobs", f"/jobs/{job_id}", "/healthz", "/readyz", "/models", "/nowhere", "/batches"):
        assert service.http.get(path).status_code < 500, path
    assert "avemotion_http_requests_total" in service.http.get("/metrics").text


def half_files(service: Service) -> set[str]:
    """Return files in storage of uploads that never arrived."""
    with service.engine.connect() as connection:
        rows = connection.execute(text("SELECT id FROM uploads WHERE state = 'stored'"))
        return set(service.storage.names("uploads")) - {str(row.id) for row in rows}


def make_old(service: Service, job_id: str) -> None:
    """Let a job have ended long ago."""
    with service.engine.begin() as connection:
        connection.execute(
            text("UPDATE jobs SET finished_at = now() - interval '8 days' WHERE id = :id"), {"id": job_id}
        )
