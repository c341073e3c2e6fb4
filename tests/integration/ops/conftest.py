"""``avemotion ops`` in this process, beside the API, on real servers."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from client.main import app as command_line
from shared.errors import ErrorCode
from shared.settings import Settings, get_settings
from shared.tables import Job, JobStatus, Stage, Upload, WorkStatus
from tests.integration.api.conftest import Predict, client, job_id_of, predict, upload
from tests.integration.api.conftest import Upload as SendUpload

__all__ = ["client", "predict", "upload"]


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int | str | None
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, read as JSON."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        """Its lines on stdout, in words."""
        return [line.split() for line in self.out.splitlines()]


Ops = Callable[..., Outcome]


@pytest.fixture
def ops(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Ops]:
    """Run ``avemotion ops`` with the service's settings; ``typed`` is what the operator types."""
    for name in ("database_url", "broker_url", "data_dir", "scratch_dir"):
        monkeypatch.setenv(f"AVEMOTION_{name.upper()}", str(getattr(settings, name)))
    (settings.data_dir / "storage").mkdir(parents=True, exist_ok=True)

    def run(*arguments: str, typed: str = "", **changes: str) -> Outcome:
        for name, value in changes.items():
            monkeypatch.setenv(f"AVEMOTION_{name.upper()}", value)
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        get_settings.cache_clear()
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            command_line(["ops", *arguments])
        return Outcome(ended.value.code, *capsys.readouterr())

    yield run
    get_settings.cache_clear()


NewJobs = Callable[[str], list[UUID]]


@pytest.fixture
def new_jobs(predict: Predict, upload: SendUpload) -> NewJobs:
    """Post a job for each letter, each of a video of its own, and return their ids."""
    return lambda letters: [job_id_of(predict(video_id=upload(letter))) for letter in letters]


def end(
    engine: Engine, job_id: UUID, status: JobStatus, code: ErrorCode | None = None, age_s: float = 0
) -> None:
    """Let a job have ended some time ago, with its work."""
    ended = func.now() - timedelta(seconds=age_s)
    with engine.begin() as connection:
        connection.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(
                status=status,
                error_code=code.code if code else None,
                finished_at=ended,
                expires_at=ended + timedelta(days=30),
                version=Job.version + 1,
            )
        )
        connection.execute(update(Stage).where(Stage.job_id == job_id).values(status=WorkStatus.CANCELLED))


def states(engine: Engine) -> dict[UUID, JobStatus]:
    """Return the state of each job."""
    with Session(engine) as session:
        return {row.id: row.status for row in session.execute(select(Job.id, Job.status))}


def sent(engine: Engine) -> dict[UUID, bool]:
    """Return for each job with a ready stage whether its message counts as sent."""
    with Session(engine) as session:
        rows = session.execute(
            select(Stage.job_id, Stage.published_at).where(Stage.status == WorkStatus.READY)
        )
        return {row.job_id: row.published_at is not None for row in rows}


def lose_messages(engine: Engine, age_s: float) -> None:
    """Let the messages of all ready stages have been sent some time ago."""
    long_ago = func.now() - timedelta(seconds=age_s)
    with engine.begin() as connection:
        connection.execute(
            update(Stage)
            .where(Stage.status == WorkStatus.READY)
            .values(published_at=long_ago, created_at=long_ago)
        )


def drop_media(engine: Engine, job_id: UUID) -> None:
    """Remove the row of a job's video, as the janitor does when it has expired."""
    with Session(engine) as session, session.begin():
        job = session.get_one(Job, job_id)
        session.delete(session.get_one(Upload, job.video_id))
