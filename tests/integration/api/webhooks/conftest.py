"""Webhooks of jobs that end as workers would have ended them, and a receiver for them."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from client.stack.services import service_environment
from shared.database import transact
from shared.errors import ErrorCode
from shared.lifecycle import end_job, lock_job
from shared.settings import Settings
from shared.tables import Job, JobStatus, Webhook
from shared.webhooks.secrets import make_secret
from tests.integration.api.conftest import REPOSITORY, Client, Predict, Upload
from tests.integration.api.rows import add_segment
from tests.integration.conftest import services_of
from tests.receiver import Receiver, running_receiver
from tests.servers import wait_until

SECRET = make_secret()
# Soon enough for a test to see the next try, and the one after it.
HASTE = {
    "webhook_secret": SECRET,
    "webhook_allow_private": True,
    "webhook_backoff_s": 0.2,
    "webhook_longest_backoff_s": 0.5,
    "webhook_tries": 3,
    "webhook_timeout_s": 3.0,
    "janitor_interval_s": 0.1,
}
SUMMARY = {
    "emotion": "anger",
    "probabilities": {"anger": 0.75, "joy": 0.25},
    "valence": -0.5,
    "arousal": 0.125,
    "confidence": 0.75,
}

STOP_LIMIT_S = 20

Start = Callable[..., subprocess.Popen[bytes]]
EndOf = Callable[..., str]
End = Callable[..., None]
Begin = Callable[..., str]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with webhooks to loopback."""
    return Settings(**{**settings.model_dump(), **HASTE})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on loopback."""
    with running_receiver() as running:
        yield running


@pytest.fixture
def begin(predict: Predict, upload: Upload) -> Begin:
    """Start a job with a webhook; return its id."""

    def start(url: str, **more: Any) -> str:
        return str(predict(video_id=upload(), webhook_url=url, **more)["job_id"])

    return start


@pytest.fixture
def end(engine: Engine, app: OpenAPI) -> End:
    """End a job as a worker does."""
    settings = services_of(app).settings

    def finish(job_id: str | UUID, status: JobStatus = JobStatus.SUCCEEDED) -> None:
        error = (ErrorCode.NO_SOUND, "There is no sound.") if status is JobStatus.FAILED else None

        def work(session: Session) -> None:
            job = lock_job(session, UUID(str(job_id)))
            assert job is not None
            if status is JobStatus.SUCCEEDED:
                job.summary = SUMMARY
            end_job(session, job, status, settings, error=error)

        transact(engine, work)

    return finish


@pytest.fixture
def start(settings: Settings, tmp_path: Path) -> Iterator[Start]:
    """Start a janitor as a process of its own, with other settings if told."""
    with contextlib.ExitStack() as cleanup:

        def run(**changes: Any) -> subprocess.Popen[bytes]:
            chosen = Settings(**{**settings.model_dump(), **changes})
            log = cleanup.enter_context((tmp_path / f"janitor-{uuid4()}.log").open("wb"))
            process = subprocess.Popen(
                [sys.executable, "-m", "worker", "janitor"],
                env=service_environment(chosen),
                cwd=REPOSITORY,
                stderr=log,
            )
            cleanup.callback(process.wait, STOP_LIMIT_S)
            cleanup.callback(process.kill)
            return process

        yield run


@pytest.fixture
def ended(engine: Engine, begin: Begin, end: End) -> EndOf:
    """End a job that has a webhook, with windows if told, and return its id."""

    def make(url: str, *, scored: bool = False, **more: Any) -> str:
        job_id = begin(url, **more)
        if scored:
            add_segment(engine, UUID(job_id))
        end(job_id)
        return job_id

    return make


def shown(client: Client, job_id: str) -> dict[str, Any]:
    """Return what a job's document says of its webhook."""
    part: dict[str, Any] = client.get(f"/jobs/{job_id}").json["webhook"]
    return part


def await_state(client: Client, job_id: str, state: str) -> dict[str, Any]:
    """Return what a job's document says of its webhook once it stands there."""
    wait_until(lambda: shown(client, job_id)["state"] == state)
    return shown(client, job_id)


def rows(engine: Engine) -> list[Webhook]:
    """Return all webhooks, oldest first."""
    with Session(engine) as session:
        return list(session.scalars(select(Webhook).order_by(Webhook.id)))


def version_of(engine: Engine, job_id: str) -> int:
    """Return a job's version."""
    with Session(engine) as session:
        return session.get_one(Job, UUID(job_id)).version
