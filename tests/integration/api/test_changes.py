from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.orm import Session

from shared.errors import ErrorCode
from shared.queue import queue_lengths
from shared.settings import Settings
from shared.storage import Storage
from shared.tables import Job, JobStatus, Segment, Stage, StageName, Upload, WorkStatus
from tests.integration.api.conftest import Client, Predict, job_id_of
from tests.integration.api.conftest import Upload as SendUpload
from tests.integration.api.rows import add_segment, change


def test_cancel(client: Client, predict: Predict, engine: Engine) -> None:
    """Cancelling ends a job and fences off whoever works on it; doing it again changes nothing."""
    job_id = job_id_of(predict())
    first = client.post(f"/jobs/{job_id}/cancel")
    second = client.post(f"/jobs/{job_id}/cancel")
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json["status"] == "cancelled"
    assert second.json == first.json
    assert first.json["expires_at"] is not None
    with Session(engine) as session:
        [stage] = session.scalars(select(Stage))
    assert stage.status is WorkStatus.CANCELLED


@pytest.mark.parametrize("status", [JobStatus.SUCCEEDED, JobStatus.FAILED])
def test_too_late_to_cancel(client: Client, predict: Predict, engine: Engine, status: JobStatus) -> None:
    """A job that has ended otherwise cannot be cancelled."""
    job_id = job_id_of(predict())
    change(engine, job_id, status=status)
    answer = client.post(f"/jobs/{job_id}/cancel")
    assert (answer.status_code, answer.json["code"]) == (409, "conflict")


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
def test_retry(
    client: Client, predict: Predict, engine: Engine, settings: Settings, status: JobStatus
) -> None:
    """A failed or cancelled job begins anew, with nothing left of its last attempt."""
    job_id = job_id_of(predict())
    add_segment(engine, job_id)
    change(engine, job_id, status=status, error_code=ErrorCode.NO_SOUND.code, error_message="Silent.")
    answer = client.post(f"/jobs/{job_id}/retry")
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/jobs/{job_id}"
    document = answer.json
    assert (document["status"], document["attempt"], document["error"]) == ("queued", 2, None)
    assert (document["windows"], document["segments"]) == ([], {"done": 0, "total": 0})
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Segment)) == 0
        [stage] = session.scalars(select(Stage))
    assert (stage.name, stage.status) == (StageName.INGEST, WorkStatus.READY)
    assert queue_lengths(settings)["media.interactive.ingest"] == 2


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.SUCCEEDED])
def test_nothing_to_retry(client: Client, predict: Predict, engine: Engine, status: JobStatus) -> None:
    """A job that has not failed cannot be tried again."""
    job_id = job_id_of(predict())
    change(engine, job_id, status=status)
    answer = client.post(f"/jobs/{job_id}/retry")
    assert (answer.status_code, answer.json["code"]) == (409, "conflict")


def test_retry_moves_expiry_on(client: Client, predict: Predict, engine: Engine) -> None:
    """The media of a job that is tried again live on."""
    job_id = job_id_of(predict())
    client.post(f"/jobs/{job_id}/cancel")
    with engine.begin() as connection:
        connection.execute(update(Upload).values(expires_at=func.now()))
    assert client.post(f"/jobs/{job_id}/retry").status_code == 202
    with Session(engine) as session:
        [row] = session.scalars(select(Upload))
    assert row.expires_at > datetime.now(UTC)


def test_retry_without_row(client: Client, predict: Predict, upload: SendUpload, engine: Engine) -> None:
    """A job that has lost one of its two uploads is not tried again with the other alone."""
    lost = upload()
    job_id = job_id_of(predict(video_id=lost, audio_id=upload(kind="audio")))
    client.post(f"/jobs/{job_id}/cancel")
    with engine.begin() as connection:
        connection.execute(delete(Upload).where(Upload.id == lost))
    answer = client.post(f"/jobs/{job_id}/retry")
    assert (answer.status_code, answer.json["code"]) == (410, "media_missing")
    assert client.get(f"/jobs/{job_id}").json["status"] == "cancelled"


def test_retry_without_file(client: Client, predict: Predict, storage: Storage) -> None:
    """A job whose file is gone is not tried again."""
    made = predict()
    client.post(f"/jobs/{made['job_id']}/cancel")
    storage.delete(f"uploads/{made['options']['video_id']}")
    answer = client.post(f"/jobs/{made['job_id']}/retry")
    assert (answer.status_code, answer.json["code"]) == (410, "media_missing")


@pytest.mark.parametrize(("method", "end"), [("post", "/cancel"), ("post", "/retry"), ("delete", "")])
def test_unknown_job(client: Client, method: str, end: str) -> None:
    """What is not there cannot be changed."""
    for job_id in ("00000000-0000-0000-0000-000000000001", "nonsense"):
        answer = getattr(client, method)(f"/jobs/{job_id}{end}")
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_retry_is_the_same_job(client: Client, predict: Predict, engine: Engine) -> None:
    """A retry makes no second job."""
    job_id = job_id_of(predict())
    client.post(f"/jobs/{job_id}/cancel")
    client.post(f"/jobs/{job_id}/retry")
    with Session(engine) as session:
        assert list(session.scalars(select(Job.id))) == [job_id]
