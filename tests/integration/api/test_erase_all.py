from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Engine, func, select

from api import create_app
from shared.database import transact
from shared.erasure import drop_batches, erase_job
from shared.keys import create_key
from shared.settings import Settings
from shared.tables import Job, JobStatus, Stage, Upload, WorkStatus
from tests.integration.api.conftest import Client, Predict, client_of, job_id_of, sound, video
from tests.integration.api.conftest import Upload as SendUpload
from tests.integration.conftest import services_of

ALL = "/jobs?all=true"


@pytest.fixture
def locked(settings: Settings) -> Iterator[OpenAPI]:
    """The API with keys on."""
    made = create_app(settings.model_copy(update={"auth": "on"}))
    yield made
    services_of(made).close()


def header(engine: Engine, name: str) -> dict[str, str]:
    _, secret = transact(engine, lambda session: create_key(session, name))
    return {"Authorization": f"Bearer {secret}"}


def states(engine: Engine, table: Any) -> set[Any]:
    with engine.connect() as connection:
        return set(connection.scalars(select(table)))


def batch_of(client: Client, video_id: str, **headers: Any) -> str:
    batch_id = client.post("/batches", json={"name": "mine"}, **headers).json["batch_id"]
    chunk = {"jobs": [{"video_id": video_id, "reference": "a.mp4"}]}
    assert client.post(f"/batches/{batch_id}/jobs", json=chunk, **headers).status_code == 202
    return str(batch_id)


def test_everything_is_gone_at_once(
    client: Client, predict: Predict, upload: SendUpload, engine: Engine
) -> None:
    """After DELETE /jobs?all=true none of the caller's jobs, batches and uploads is found or goes on."""
    job = predict()
    batch_id = batch_of(client, upload("other"))
    lone = upload("alone", kind="audio")
    answer = client.delete(ALL)
    assert (answer.status_code, answer.data) == (204, b"")
    assert client.get("/jobs").json["jobs"] == []
    assert client.get("/batches").json["batches"] == []
    assert client.get(f"/jobs/{job['job_id']}").status_code == 404
    assert client.get(f"/batches/{batch_id}").status_code == 404
    assert client.post("/predict", json={"audio_id": lone}).status_code == 404
    assert states(engine, Job.status) == {JobStatus.CANCELLED}
    assert states(engine, Stage.status) == {WorkStatus.CANCELLED}


def test_the_janitor_finds_all_of_it(
    app: OpenAPI, client: Client, upload: SendUpload, engine: Engine, settings: Settings
) -> None:
    """What the janitor does anyway removes every row and file of what was erased."""
    batch_of(client, upload())
    batch_of(client, upload("other"))
    upload("alone")
    client.delete(ALL)
    with engine.connect() as connection:
        expired = connection.scalars(select(Job.id).where(Job.expires_at <= func.now())).all()
        assert connection.scalar(select(func.count()).where(Upload.expires_at > func.now())) == 0
    assert len(expired) == 2
    for job_id in expired:
        erase_job(engine, services_of(app).storage, job_id)
    drop_batches(engine, settings)
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Job)) == 0
    assert client.get("/batches").json["batches"] == []


@pytest.mark.parametrize("path", ["/jobs", "/jobs/", "/jobs?all=", "/jobs?all=false"])
def test_a_forgotten_id_erases_nothing(client: Client, predict: Predict, path: str) -> None:
    """Without `all=true` the call is refused: a script whose job id is empty must not erase all jobs."""
    job = predict()
    answer = client.delete(path)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert answer.json["errors"][0]["field"] == "all"
    assert client.get(f"/jobs/{job['job_id']}").status_code == 200


def test_others_keep_theirs(locked: OpenAPI, engine: Engine) -> None:
    """One key's erasure leaves alone what other keys have, also where the bytes are the same."""
    client = client_of(locked)
    mine, other = header(engine, "mine"), header(engine, "other")
    jobs = []
    for key in (mine, other):
        video_id = client.post("/upload/video", data=video(), headers=key).json["id"]
        jobs.append(client.post("/predict", json={"video_id": video_id}, headers=key).json["job_id"])
        batch_of(client, video_id, headers=key)
    assert client.delete(ALL, headers=mine).status_code == 204
    assert client.get("/jobs", headers=mine).json["jobs"] == []
    assert len(client.get("/jobs", headers=other).json["jobs"]) == 2
    assert len(client.get("/batches", headers=other).json["batches"]) == 1
    again = client.post("/predict", json={"video_id": video_id}, headers=other)
    assert again.status_code == 202


def test_again_and_again(client: Client, predict: Predict) -> None:
    """It may be asked for with nothing there, and what comes after it lives."""
    assert client.delete(ALL).status_code == 204
    first = job_id_of(predict())
    assert client.delete(ALL).status_code == 204
    second = job_id_of(predict(audio_id=client.post("/upload/audio", data=sound()).json["id"]))
    assert [UUID(job["job_id"]) for job in client.get("/jobs").json["jobs"]] == [second]
    assert first != second
