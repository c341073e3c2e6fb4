"""Workers that are told to stop, as engines do it: they end what they have begun, and no more."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from shared.database import transact
from shared.tables import Stage, StageName, WorkStatus
from tests import media_factory
from tests.acceptance.service import running_service
from tests.processes import is_gone
from tests.servers import wait_until

pytestmark = pytest.mark.slow


def test_a_worker_ends_its_stage_before_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that runs when its worker is told to stop is done once, by it."""
    monkeypatch.delenv("REMAP_SIGTERM", raising=False)
    clip = media_factory.face_video(tmp_path / "long.mp4", duration_s=20)
    # Long enough that nobody else takes the stage over while this looks, and that it has the time it takes.
    patience = {"lease_s": 60.0, "stage_time_limit_s": 300.0}
    with running_service(tmp_path / "service", segment_s=60.0, **patience) as service:
        worker = service.pid("media")
        job_id = service.submit(clip)
        assert service.wait_for_lease(job_id, StageName.FACES)
        os.kill(worker, signal.SIGTERM)
        wait_until(lambda: is_gone(worker))

        faces = select(Stage).where(Stage.job_id == UUID(job_id), Stage.name == StageName.FACES)
        stage = transact(service.engine, lambda session: session.scalars(faces).one())
        assert (stage.status, stage.losses) == (WorkStatus.DONE, 0)
        service.assert_scored_once(service.end_of(job_id))
