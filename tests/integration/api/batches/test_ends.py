from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Engine, func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

import api.batches.changes
import shared.lifecycle
from api import create_app
from shared.database import connect, transact
from shared.erasure import drop_batches
from shared.keys import create_key
from shared.settings import Settings
from shared.storage import Storage
from shared.tables import Base, Batch, Job, Prediction, Stage, StageName, WorkStatus
from tests.integration.api.batches.conftest import AddJobs, MakeBatch, fail, succeed
from tests.integration.api.conftest import Client, client_of, video
from tests.integration.api.conftest import Upload as SendUpload
from tests.integration.api.rows import add_output, add_segment
from tests.integration.conftest import services_of
from worker.purge import erase_expired, hide_batches
from worker.toolkit import Toolkit

NOT_OPEN = {WorkStatus.DONE, WorkStatus.CANCELLED}


@pytest.fixture
def kit(settings: Settings, engine: Engine, storage: Storage) -> Toolkit:
    """What the janitor works with."""
    return Toolkit(settings, engine, storage)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let changes of many jobs take several steps."""
    monkeypatch.setattr(shared.lifecycle, "STEP_JOBS", 2)


def rows(engine: Engine) -> dict[str, int]:
    """Return how many rows each table holds, the empty ones left out."""
    with engine.connect() as connection:
        counts = {
            table.name: connection.scalar(select(func.count()).select_from(table))
            for table in Base.metadata.sorted_tables
        }
    return {name: count for name, count in counts.items() if count}


def tidy(kit: Toolkit) -> None:
    """Do the janitor's part of an erasure."""
    hide_batches(kit)
    erase_expired(kit)
    drop_batches(kit.engine, kit.settings)


def test_cancel(client: Client, batch: MakeBatch, add: AddJobs, engine: Engine) -> None:
    """Cancelling ends what is open, with all its work, and leaves what has ended and other batches alone."""
    batch_id, other = batch(), batch()
    jobs = add(batch_id, *"abcdef")
    [stranger] = add(other, "a")
    add_segment(engine, UUID(jobs[0]["job_id"]))
    succeed(engine, jobs[1])
    fail(engine, jobs[2])
    before = client.get(f"/jobs/{jobs[3]['job_id']}")
    answer = client.post(f"/batches/{batch_id}/cancel")
    assert answer.status_code == 200
    assert answer.json["counts"] | {"total": 6} == {
        "queued": 0,
        "running": 0,
        "succeeded": 1,
        "failed": 1,
        "cancelled": 4,
        "total": 6,
    }
    ended = client.get(f"/jobs/{jobs[3]['job_id']}", headers={"If-None-Match": before.headers["ETag"]})
    assert (ended.status_code, ended.json["status"]) == (200, "cancelled")
    assert None not in (ended.json["finished_at"], ended.json["expires_at"])
    open_jobs = {UUID(job["job_id"]) for job in (jobs[0], *jobs[3:])}
    with Session(engine) as session:
        stages = session.scalars(select(Stage.status).where(Stage.job_id.in_(open_jobs)))
        windows = session.scalars(select(Prediction.status).where(Prediction.job_id.in_(open_jobs)))
        assert {*stages, *windows} == NOT_OPEN
    assert client.get(f"/jobs/{stranger['job_id']}").json["status"] == "queued"
    assert client.post(f"/batches/{batch_id}/cancel").json["counts"] == answer.json["counts"]


def test_delete_leaves_nothing(client: Client, batch: MakeBatch, add: AddJobs, kit: Toolkit) -> None:
    """Erasing a batch hides it and its jobs at once; the janitor leaves no row and no file of them."""
    batch_id = batch()
    jobs = add(batch_id, *"abcde")
    segment_id = add_segment(kit.engine, UUID(jobs[0]["job_id"]))
    add_output(kit.engine, kit.storage, segment_id, StageName.FACES, faces_csv=b"a,b\n")
    succeed(kit.engine, jobs[1])
    answer = client.delete(f"/batches/{batch_id}")
    assert (answer.status_code, answer.data) == (204, b"")
    for path in ("", "/results.csv"):
        assert client.get(f"/batches/{batch_id}{path}").status_code == 404
    assert client.delete(f"/batches/{batch_id}").status_code == 404
    assert client.get("/batches").json["batches"] == client.get("/jobs").json["jobs"] == []
    for job in jobs:
        assert client.get(f"/jobs/{job['job_id']}").status_code == 404
    tidy(kit)
    assert rows(kit.engine) == {}
    assert [*kit.storage.names("uploads"), *kit.storage.names("jobs")] == []


def test_media_of_other_jobs_stay(
    client: Client, batch: MakeBatch, add: AddJobs, upload: SendUpload, kit: Toolkit
) -> None:
    """Media stay while a job outside the batch has them; what only the batch had goes."""
    batch_id, shared_id, own_id = batch(), upload(), upload("own")
    add(batch_id, *"abc")
    client.post(f"/batches/{batch_id}/jobs", json={"jobs": [{"video_id": own_id}]})
    job_id = client.post("/predict", json={"video_id": shared_id}).json["job_id"]
    client.delete(f"/batches/{batch_id}")
    tidy(kit)
    assert kit.storage.names("uploads") == [shared_id]
    assert client.get(f"/jobs/{job_id}").json["options"]["video_id"] == shared_id


def test_crash_after_hiding(
    client: Client,
    batch: MakeBatch,
    add: AddJobs,
    monkeypatch: pytest.MonkeyPatch,
    kit: Toolkit,
) -> None:
    """An erasure that is cut off once the batch is hidden is finished by the janitor."""

    def crash(*_: Any) -> None:
        raise OperationalError("the database went away", None, Exception())

    batch_id = batch()
    [job, *_] = add(batch_id, *"abcde")
    monkeypatch.setattr(api.batches.changes, "hide_jobs_of", crash)
    assert client.delete(f"/batches/{batch_id}").status_code == 204
    assert client.get(f"/batches/{batch_id}").status_code == 404
    assert client.get(f"/jobs/{job['job_id']}").status_code == 200
    hide_batches(kit)
    assert client.get(f"/jobs/{job['job_id']}").status_code == 404
    tidy(kit)
    assert rows(kit.engine) == {}


def test_reference_is_free_again(client: Client, batch: MakeBatch, add: AddJobs, upload: SendUpload) -> None:
    """The reference of an erased job may be used again, with another request."""
    batch_id = batch()
    [first] = add(batch_id, "a")
    client.delete(f"/jobs/{first['job_id']}")
    job = {"video_id": upload("other"), "reference": "a"}
    again = client.post(f"/batches/{batch_id}/jobs", json={"jobs": [job]})
    assert again.status_code == 202
    assert again.json["jobs"][0]["job_id"] != first["job_id"]


def test_old_batches_go_with_their_last_job(batch: MakeBatch, add: AddJobs, kit: Toolkit) -> None:
    """A batch without jobs stays as long as a job would; one that has a job stays as long as that."""
    full, empty, fresh = batch(), batch(), batch()
    add(full, "a")
    long_ago = datetime.now(UTC) - timedelta(seconds=kit.settings.job_ttl_s + 1)
    with kit.engine.begin() as connection:
        connection.execute(update(Batch).where(Batch.id != UUID(fresh)).values(created_at=long_ago))
    drop_batches(kit.engine, kit.settings)
    with Session(kit.engine) as session:
        assert {str(found) for found in session.scalars(select(Batch.id))} == {full, fresh}
    assert empty


def test_a_batch_that_takes_jobs_is_not_dropped(batch: MakeBatch, kit: Toolkit) -> None:
    """The janitor leaves an old batch alone to which jobs are being added at that moment."""
    batch_id = UUID(batch())
    long_ago = datetime.now(UTC) - timedelta(seconds=kit.settings.job_ttl_s + 1)
    with kit.engine.begin() as connection:
        connection.execute(update(Batch).values(created_at=long_ago))
    other = connect(kit.settings, pool_size=1)
    with Session(other) as session, session.begin():
        session.scalars(select(Batch).where(Batch.id == batch_id).with_for_update(key_share=True)).one()
        drop_batches(kit.engine, kit.settings)
    with Session(kit.engine) as session:
        assert session.get(Batch, batch_id) is not None
    other.dispose()


@pytest.fixture
def locked(settings: Settings) -> Iterator[OpenAPI]:
    """The API with keys on."""
    app = create_app(settings.model_copy(update={"auth": "on"}))
    yield app
    services_of(app).close()


def test_each_key_sees_its_own(locked: OpenAPI, engine: Engine) -> None:
    """A batch of another key is as if it were not there, whatever is asked of it."""
    client = client_of(locked)
    mine, other = (
        {"Authorization": f"Bearer {transact(engine, lambda session: create_key(session, 'x'))[1]}"}
        for _ in range(2)
    )
    job = {"video_id": client.post("/upload/video", data=video(), headers=mine).json["id"], "reference": "a"}
    batch_id = client.post("/batches", json={}, headers=mine).json["batch_id"]
    chunk = {"jobs": [job]}
    assert client.post(f"/batches/{batch_id}/jobs", json=chunk, headers=mine).status_code == 202
    requests = [
        ("get", ""),
        ("get", "/results.csv?all=true"),
        ("get", "/results.jsonl"),
        ("get", "/results.parquet"),
        ("post", "/close"),
        ("post", "/cancel"),
        ("delete", ""),
    ]
    for method, path in requests:
        answer = getattr(client, method)(f"/batches/{batch_id}{path}", headers=other)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), path
    assert client.post(f"/batches/{batch_id}/jobs", json=chunk, headers=other).status_code == 404
    assert client.get("/batches", headers=other).json["batches"] == []
    own = client.post("/batches", json={}, headers=other).json["batch_id"]
    foreign = client.post(f"/batches/{own}/jobs", json=chunk, headers=other)
    assert (foreign.status_code, foreign.json["errors"][0]["field"]) == (404, "jobs.0.video_id")
    for method, path in requests[:-1]:
        assert getattr(client, method)(f"/batches/{batch_id}{path}", headers=mine).status_code == 200, path
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 1


@pytest.mark.parametrize(
    ("method", "path"), [("get", "/batches"), ("post", "/batches"), ("delete", f"/batches/{UUID(int=1)}")]
)
def test_a_key_is_needed(locked: OpenAPI, method: str, path: str) -> None:
    """Nothing about batches is said or done without a key."""
    assert getattr(client_of(locked), method)(path).status_code == 401
