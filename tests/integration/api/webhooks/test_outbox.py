"""Webhooks are written with the end that they tell, however a job ends, and go with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from shared.database import transact
from shared.lifecycle import end_job, lock_job
from shared.settings import Settings
from shared.tables import JobStatus, Stage, WorkStatus
from tests.integration.api.conftest import Client, Predict, Upload
from tests.integration.api.webhooks.conftest import Begin, End, rows
from worker.takeback import take_back_stage
from worker.webhooks.batches import announce_batches

URL = "https://93.184.215.14/hook"


@pytest.fixture
def job_id(begin: Begin) -> str:
    """A job with a webhook."""
    return begin(URL)


def test_end_and_webhook_are_one_transaction(engine: Engine, job_id: str, settings: Settings) -> None:
    """If the end is not committed, neither is the webhook."""
    with Session(engine) as session:
        job = lock_job(session, UUID(job_id))
        assert job is not None
        end_job(session, job, JobStatus.CANCELLED, settings)
        session.flush()
        session.rollback()

    assert rows(engine) == []


@pytest.mark.parametrize("status", [JobStatus.SUCCEEDED, JobStatus.FAILED])
def test_worker_ends_a_job(engine: Engine, job_id: str, end: End, status: JobStatus) -> None:
    """A job that succeeds or fails has one webhook, of that type."""
    assert rows(engine) == []

    end(job_id, status)

    [row] = rows(engine)
    assert (str(row.job_id), row.event, row.receiver) == (job_id, f"job.{status}", "93.184.215.14")


def test_client_cancels(engine: Engine, client: Client, job_id: str) -> None:
    """A cancelled job tells it; cancelling it again tells nothing more."""
    for _ in range(2):
        assert client.post(f"/jobs/{job_id}/cancel").status_code == 200

    assert [row.event for row in rows(engine)] == ["job.cancelled"]


def test_client_cancels_a_batch(engine: Engine, client: Client, upload: Upload, end: End) -> None:
    """Jobs that end with their batch tell it if they have a webhook; ended ones do not tell it twice."""
    batch_id, video_id = client.post("/batches", json={}).json["batch_id"], upload()
    jobs = [{"video_id": video_id, "webhook_url": URL}, {"video_id": video_id}, {"video_id": video_id}]
    jobs[2]["webhook_url"] = f"{URL}2"
    told = client.post(f"/batches/{batch_id}/jobs", json={"jobs": jobs}).json["jobs"]
    end(told[2]["job_id"])

    client.post(f"/batches/{batch_id}/cancel")

    found = {str(row.job_id): row.event for row in rows(engine)}
    assert found == {told[0]["job_id"]: "job.cancelled", told[2]["job_id"]: "job.succeeded"}


def test_job_without_webhook_writes_none(engine: Engine, predict: Predict, end: End) -> None:
    """Who asked for nothing is told nothing."""
    end(predict()["job_id"])

    assert rows(engine) == []


def test_erased_job_takes_its_webhook_with_it(engine: Engine, client: Client, job_id: str, end: End) -> None:
    """DELETE of a job that has ended forgets its webhook."""
    end(job_id)

    assert client.delete(f"/jobs/{job_id}").status_code == 204

    assert rows(engine) == []


def test_erasure_of_a_running_job_tells_nobody(engine: Engine, client: Client, job_id: str) -> None:
    """DELETE ends a job that runs, and that end is nobody's business."""
    assert client.delete(f"/jobs/{job_id}").status_code == 204

    assert rows(engine) == []


def test_retry_takes_the_old_end_back(engine: Engine, client: Client, job_id: str, end: End) -> None:
    """A job that begins anew has not ended: its next end has a webhook of its own, with another id."""
    end(job_id, JobStatus.FAILED)
    [first] = rows(engine)

    answer = client.post(f"/jobs/{job_id}/retry")

    assert answer.json["webhook"]["state"] == "waiting"
    assert rows(engine) == []
    end(job_id)
    [second] = rows(engine)
    assert second.event == "job.succeeded"
    assert second.id != first.id


@pytest.mark.parametrize("address", ["/batches/{batch_id}", "/jobs?all=true"])
def test_erased_batch_takes_its_webhooks_with_it(
    engine: Engine, client: Client, upload: Upload, end: End, address: str
) -> None:
    """Nobody is told of a batch that is erased, nor of its jobs."""
    batch_id = client.post("/batches", json={"webhook_url": URL}).json["batch_id"]
    jobs = [{"video_id": upload(), "webhook_url": URL}]
    told = client.post(f"/batches/{batch_id}/jobs", json={"jobs": jobs}).json["jobs"]
    end(told[0]["job_id"])
    client.post(f"/batches/{batch_id}/close")
    assert transact(engine, announce_batches) == 1

    assert client.delete(address.format(batch_id=batch_id)).status_code == 204

    assert rows(engine) == []


def test_takeback_of_a_killer_tells_it(engine: Engine, job_id: str, settings: Settings) -> None:
    """A job that is given up for the workers it killed ends by the same way as all."""
    transact(engine, lambda session: _lose(session, job_id, settings))

    assert [row.event for row in rows(engine)] == ["job.failed"]


def _lose(session: Session, job_id: str, settings: Settings) -> None:
    stage = session.scalars(select(Stage).where(Stage.job_id == UUID(job_id))).one()
    stage.status = WorkStatus.LEASED
    stage.lease_until = datetime.now(UTC) - timedelta(minutes=1)
    stage.losses = settings.max_losses - 1
    session.flush()
    take_back_stage(session, settings, UUID(job_id), stage.id)
