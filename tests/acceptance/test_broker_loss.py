"""A worker at work bears that its broker goes away, and comes back."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest
from sqlalchemy import select

from shared.database import transact
from shared.tables import Stage, StageName
from tests import media_factory
from tests.acceptance.service import Service, running_service
from tests.servers import wait_until

# Which of a worker's connections learns of it first is chance.
TIMES = 4


def connections(service: Service) -> int:
    """Return how often the media worker has found its broker."""
    log = service.stack.folder.log_dir / "media.log"
    return log.read_bytes().count(b"Connected to redis")


@pytest.mark.slow
def test_a_worker_at_work_outlives_its_broker(tmp_path: Path) -> None:
    """With one process at work and one that waits, it finds the broker again, and no work is lost."""
    clip = media_factory.face_video(tmp_path / "clip.mp4", duration_s=4)
    # What is at work is held for longer than its lease would last.
    with running_service(
        tmp_path / "service", lease_s=600.0, segment_s=60.0, media_children=2, stage_time_limit_s=600.0
    ) as service:
        service.score(clip)
        worker = psutil.Process(service.pid("media"))
        for _ in range(TIMES):
            job_id = service.submit(clip, window_s=1)
            assert service.wait_for_lease(job_id, StageName.FACES)
            children = worker.children()
            for child in children:
                child.suspend()
            before = connections(service)
            service.valkey.kill()
            service.valkey.start()
            wait_until(lambda before=before: connections(service) > before, 60)  # type: ignore[misc]
            for child in children:
                child.resume()

            service.assert_scored_once(service.end_of(job_id))
            losses = select(Stage.losses).where(Stage.job_id == UUID(job_id))
            assert set(transact(service.engine, lambda session, q=losses: session.scalars(q).all())) == {0}  # type: ignore[misc]
        assert service.pid("media") == worker.pid
