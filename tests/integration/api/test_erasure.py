from __future__ import annotations

from typing import Any

import pytest
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session

from shared.database import transact
from shared.erasure import erase_job, hide_job
from shared.settings import Settings
from shared.storage import Storage
from shared.tables import Base, Job, StageName
from tests.integration.api.conftest import Client, Predict, job_id_of, video
from tests.integration.api.conftest import Upload as SendUpload
from tests.integration.api.rows import add_output, add_segment
from tests.integration.conftest import services_of

KEY = {"Idempotency-Key": "a-key"}


def rows(engine: Engine) -> dict[str, int]:
    """Return how many rows each table holds, the empty ones left out."""
    with engine.connect() as connection:
        counts = {
            table.name: connection.scalar(select(func.count()).select_from(table))
            for table in Base.metadata.sorted_tables
        }
    return {name: count for name, count in counts.items() if count}


def files(storage: Storage) -> list[str]:
    return [*storage.names("uploads"), *storage.names("jobs")]


def test_delete_leaves_nothing(client: Client, predict: Predict, engine: Engine, storage: Storage) -> None:
    """Erasing a job that is running removes its rows, its artifacts and its media, and nobody finds it."""
    job_id = job_id_of(predict())
    add_output(engine, storage, add_segment(engine, job_id), StageName.FACES, faces_csv=b"a,b\n")
    answer = client.delete(f"/jobs/{job_id}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert rows(engine) == {}
    assert files(storage) == []
    assert client.get(f"/jobs/{job_id}").status_code == 404
    assert client.delete(f"/jobs/{job_id}").status_code == 404


def test_media_of_another_job_stay(
    client: Client, predict: Predict, upload: SendUpload, storage: Storage
) -> None:
    """Media stay while another job has them, and go with the last."""
    video_id = upload()
    first, second = (predict(video_id=video_id)["job_id"] for _ in range(2))
    client.delete(f"/jobs/{first}")
    assert storage.names("uploads") == [video_id]
    assert client.get(f"/jobs/{second}").json["options"]["video_id"] == video_id
    third = predict(video_id=video_id)["job_id"]
    client.delete(f"/jobs/{third}")
    client.delete(f"/jobs/{second}")
    assert storage.names("uploads") == []


def test_key_is_free_again(client: Client, upload: SendUpload, engine: Engine, settings: Settings) -> None:
    """The idempotency key of a job may be used again as soon as its erasure has begun."""
    first = client.post("/predict", json={"video_id": upload()}, headers=KEY).json
    hide(settings, engine, job_id_of(first))
    second = client.post("/predict", json={"video_id": upload("other")}, headers=KEY)
    assert second.status_code == 202
    assert second.json["job_id"] != first["job_id"]


def hide(settings: Settings, engine: Engine, job_id: Any) -> None:
    def work(session: Session) -> None:
        hide_job(session, session.get_one(Job, job_id), settings)

    transact(engine, work)


def test_crash_after_hiding(
    client: Client, predict: Predict, engine: Engine, storage: Storage, settings: Settings
) -> None:
    """A job whose erasure was cut off is seen by nobody, and the janitor finds and ends it."""
    made = predict()
    job_id = job_id_of(made)
    hide(settings, engine, job_id)
    assert client.get(f"/jobs/{job_id}").status_code == 404
    assert client.get("/jobs").json["jobs"] == []
    assert client.post(f"/jobs/{job_id}/retry").status_code == 404
    assert client.get(f"/jobs/{job_id}/artifacts/result.json").status_code == 404
    assert client.post("/predict", json={"video_id": made["options"]["video_id"]}).status_code == 404
    with engine.connect() as connection:
        assert list(connection.scalars(select(Job.id).where(Job.expires_at <= func.now()))) == [job_id]
    erase_job(engine, storage, job_id)
    assert rows(engine) == {}
    assert files(storage) == []


def test_crash_after_the_files(
    predict: Predict, engine: Engine, storage: Storage, settings: Settings
) -> None:
    """An erasure that was cut off between files and rows can be done again."""
    made = predict()
    hide(settings, engine, job_id_of(made))
    storage.delete(f"uploads/{made['options']['video_id']}")
    erase_job(engine, storage, job_id_of(made))
    erase_job(engine, storage, job_id_of(made))
    assert rows(engine) == {}


def test_upload_after_hiding_stays(
    client: Client, predict: Predict, engine: Engine, storage: Storage, settings: Settings
) -> None:
    """Media uploaded again between the two halves of an erasure are the client's new upload, and stay."""
    made = predict()
    hide(settings, engine, job_id_of(made))
    again = client.post("/upload/video", data=video())
    assert again.json["id"] == made["options"]["video_id"]
    erase_job(engine, storage, job_id_of(made))
    assert storage.names("uploads") == [again.json["id"]]
    assert rows(engine) == {"uploads": 1}


def test_living_job_is_left_alone(client: Client, predict: Predict, engine: Engine, storage: Storage) -> None:
    """A job that was tried again after the janitor had found it expired is not erased."""
    job_id = job_id_of(predict())
    erase_job(engine, storage, job_id)
    assert client.get(f"/jobs/{job_id}").status_code == 200


def test_expired_job_leaves_fresh_media(
    client: Client, predict: Predict, engine: Engine, storage: Storage
) -> None:
    """A job whose time is over goes without media whose time is not."""
    made = predict()
    client.post(f"/jobs/{made['job_id']}/cancel")
    with engine.begin() as connection:
        connection.execute(update(Job).values(expires_at=func.now()))
    erase_job(engine, storage, job_id_of(made))
    assert rows(engine) == {"uploads": 1}
    assert storage.exists(f"uploads/{made['options']['video_id']}")


def test_storage_away(
    app: OpenAPI, client: Client, predict: Predict, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With storage away the job is erased for all who look, and the janitor is left the rest."""
    job_id = job_id_of(predict())

    def refuse(_prefix: str) -> None:
        raise OSError

    monkeypatch.setattr(services_of(app).storage, "delete_tree", refuse)
    assert client.delete(f"/jobs/{job_id}").status_code == 204
    assert client.get(f"/jobs/{job_id}").status_code == 404
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT expires_at <= now() FROM jobs")) is True
