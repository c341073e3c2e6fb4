"""The lines of docs/backup.md, run as they stand there: a service lives on in another place."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from sqlalchemy import select

from client.stack.postgres import EmbeddedPostgres, find_programs
from shared.database import transact
from shared.tables import Job, JobStatus, Prediction, WorkStatus
from tests.acceptance.places import plain_url
from tests.acceptance.service import Service, running_service
from tests.servers import Server, wait_until

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs/backup.md"


def run_lines_of(heading: str, *, database_url: str, storage: Path, backup: Path) -> None:
    """Run the lines that docs/backup.md has under ``# heading``."""
    [lines] = re.findall(rf"^```sh\n# {heading}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    programs = f"{Path(sys.executable).parent}:{find_programs() / 'bin'}:{os.environ['PATH']}"
    variables = {
        "PATH": programs,
        "DATABASE_URL": database_url,
        "STORAGE": str(storage),
        "BACKUP": str(backup),
        "AVEMOTION_DATABASE_URL": database_url,
        "AVEMOTION_STORAGE_URL": f"file://{storage}",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def suspended(service: Service, *names: str) -> Iterator[None]:
    """Let workers stand still for the block's time."""
    workers = [psutil.Process(service.pid(name)) for name in names]
    everybody = [process for worker in workers for process in (worker, *worker.children(recursive=True))]
    for process in everybody:
        process.suspend()
    try:
        yield
    finally:
        for process in everybody:
            process.resume()


def wait_until_half_way(service: Service, job_id: str) -> None:
    """Return when all stages but the last are done."""
    query = select(Prediction.status).where(Prediction.job_id == UUID(job_id))

    def ready() -> bool:
        found = transact(service.engine, lambda session: session.scalars(query).all())
        return bool(found) and set(found) == {WorkStatus.READY}

    wait_until(ready)


def test_a_service_lives_on_in_another_place(tmp_path: Path, face_clip: Path) -> None:
    """Results and files are as they were, and jobs that were queued or half-way end there, once."""
    backup = tmp_path / "backup"
    with running_service(tmp_path / "first") as first:
        done = first.score(face_clip)
        upload = first.upload(face_clip)
        with suspended(first, "inference"):
            half_way = first.predict(video_id=upload)
            wait_until_half_way(first, half_way)
            with suspended(first, "media"):
                queued = first.predict(video_id=upload, fusion="late")
                url, storage = plain_url(first.settings), first.settings.data_dir / "storage"
                run_lines_of("back up", database_url=url, storage=storage, backup=backup)

    folder = tmp_path / "second"
    postgres = EmbeddedPostgres(folder / "postgres")
    server = Server(postgres.process(), folder / "restore.log")
    server.start()
    storage = folder / "data" / "storage"
    url = postgres.url.replace("+psycopg", "")
    # As if it had ended between the two steps: the files between its stages are not in the backup.
    subprocess.run(["tar", "--delete", f"--file={backup / 'files.tar'}", f"./jobs/{half_way}"], check=True)
    try:
        run_lines_of("restore", database_url=url, storage=storage, backup=backup)
    finally:
        server.kill()

    with running_service(folder) as second:
        assert second.http.get(f"/jobs/{done['job_id']}").json() == done
        for artifact in second.http.get(f"/jobs/{done['job_id']}/artifacts").json()["artifacts"]:
            assert second.http.get(artifact["href"]).status_code == 200
        for job_id in (half_way, queued):
            second.assert_scored_once(second.end_of(job_id))
        media = second.http.get(f"/jobs/{done['job_id']}/media/video")
        assert media.content == face_clip.read_bytes()
        statuses = transact(second.engine, lambda session: session.scalars(select(Job.status)).all())
        assert statuses == [JobStatus.SUCCEEDED] * 3
