from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from shared.settings import Settings
from shared.tables import Job, JobStatus
from tests.integration.api.batches.conftest import fail, succeed
from tests.integration.api.conftest import LiveApi, serve, sound, video

BAD = "bad"
"""A clip with this in its name fails."""
PAUSE_S = 0.02


class Workers:
    """End jobs as workers would, in the order of their ids, as many as they are allowed to."""

    def __init__(self, engine: Engine) -> None:
        """Prepare; nothing ends before it is allowed."""
        self._engine = engine
        self._left = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def allow(self, jobs: int = 10**6) -> None:
        """Let so many more jobs end."""
        self._left += jobs

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; nothing is under way then."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.wait(PAUSE_S):
            if self._left:
                self._end_some()

    def _end_some(self) -> None:
        waiting = select(Job.id, Job.reference).where(Job.status == JobStatus.QUEUED).order_by(Job.id)
        with Session(self._engine) as session:
            jobs = session.execute(waiting.limit(self._left)).all()
        for job in jobs:
            end = fail if BAD in (job.reference or "") else succeed
            end(self._engine, {"job_id": str(job.id)})
            self._left -= 1


@pytest.fixture
def live(settings: Settings, tmp_path: Path) -> Iterator[LiveApi]:
    """The API under gunicorn."""
    with serve(settings, tmp_path / "gunicorn.log") as running:
        yield running


@pytest.fixture
def workers(engine: Engine) -> Iterator[Workers]:
    """Stand-ins for workers, which end nothing until they are allowed to."""
    made = Workers(engine)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder ``clips`` in the working folder: three videos, one that will fail, a voice, an empty file."""
    folder = tmp_path / "work" / "clips"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder.parent)
    for name in ("a.mp4", "b-bad.mp4", "c.mp4", "e.mp4"):
        (folder / name).write_bytes(video(name))
    (folder / "d.wav").write_bytes(sound("d"))
    (folder / "f.mp4").touch()
    (folder / "readme.txt").write_text("hello")
    return folder


def references(engine: Engine) -> list[str]:
    """Return what the jobs of all batches stand for."""
    with Session(engine) as session:
        return sorted(session.scalars(select(Job.reference).where(Job.reference.is_not(None))))  # type: ignore[type-var] - none is None
