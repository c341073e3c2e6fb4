from __future__ import annotations

import json
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from api import create_app
from shared.analyzers import announce
from shared.catalog.reading import BUILTIN_DIR
from shared.queue import queue_lengths
from shared.schemas.jobs import JobDocument
from shared.settings import Settings
from shared.tables import Job, JobStatus, Stage, StageName, Upload, WorkStatus
from tests.integration.api.conftest import Client, Predict, client_of, job_id_of
from tests.integration.api.conftest import Upload as SendUpload
from tests.integration.conftest import services_of

# The model of each fusion that comes with every installation.
BUILTIN = {
    "early": "videomae-tiny-untrained",
    "late": "videomae-tiny-late-untrained",
    "hybrid": "videomae-nano",
}


def count_jobs(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0


def test_job_is_made(client: Client, upload: SendUpload, settings: Settings, engine: Engine) -> None:
    """POST /predict answers 202 with where the job is and its document, defaults filled in."""
    video_id = upload()
    answer = client.post("/predict", json={"video_id": video_id})
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/jobs/{answer.json['job_id']}"
    document = JobDocument.model_validate(answer.json)
    assert document.status is JobStatus.QUEUED
    assert str(document.options.video_id) == video_id
    assert document.options.model == settings.model
    assert document.options.stride_s == document.options.window_s == settings.window_s
    with Session(engine) as session:
        [stage] = session.scalars(select(Stage))
    assert (stage.name, stage.status, stage.job_id) == (StageName.INGEST, WorkStatus.READY, document.job_id)
    assert stage.published_at is not None


def test_stride_follows_window(predict: Predict, upload: SendUpload) -> None:
    """Without a stride, windows of the length asked for follow each other."""
    assert predict(video_id=upload(), window_s=1.5)["options"]["stride_s"] == 1.5


@pytest.mark.parametrize(
    ("priority", "queue"), [("interactive", "media.interactive.ingest"), ("bulk", "media.bulk.ingest")]
)
def test_message_is_sent(
    predict: Predict, upload: SendUpload, settings: Settings, priority: str, queue: str
) -> None:
    """The job's first message waits in the queue of its priority."""
    predict(video_id=upload(), priority=priority)
    assert {name: length for name, length in queue_lengths(settings).items() if length} == {queue: 1}


def test_media_live_on(client: Client, upload: SendUpload, engine: Engine) -> None:
    """A job moves on the time at which its media expire."""
    video_id = upload()
    with engine.begin() as connection:
        connection.execute(update(Upload).values(expires_at=datetime.now(UTC) + timedelta(minutes=1)))
    assert client.post("/predict", json={"video_id": video_id}).status_code == 202
    with Session(engine) as session:
        [row] = session.scalars(select(Upload))
    assert row.expires_at > datetime.now(UTC) + timedelta(days=6)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"video_id": "nonsense"}, "video_id"),
        ({"video_id": 5}, "video_id"),
        ({"video_id": str(uuid4()), "window_s": "two"}, "window_s"),
        ({"video_id": str(uuid4()), "window_s": 0}, "window_s"),
        ({"video_id": str(uuid4()), "window_s": True}, "window_s"),
        ({"video_id": str(uuid4()), "stride_s": "2"}, "stride_s"),
        ({"video_id": str(uuid4()), "priority": "now"}, "priority"),
        ({"video_id": str(uuid4()), "fusion": ["early"]}, "fusion"),
        ({"video_id": str(uuid4()), "colour": "red"}, "colour"),
        ({"video_id": str(uuid4()), "rules": [{"when": "anger"}]}, "rules.0"),
        ({"video_id": str(uuid4()), "rules": [{"when": "anger", "over": 2}]}, "rules.0.over"),
        ({"video_id": str(uuid4()), "rules": [{"when": "joy", "over": True}]}, "rules.0.over"),
        ({"video_id": str(uuid4()), "rules": [{"when": "joy", "under": "0"}]}, "rules.0.under"),
        ({"video_id": str(uuid4()), "rules": [{"when": "joy", "over": 0, "for_s": False}]}, "rules.0.for_s"),
        ({"video_id": str(uuid4()), "rules": [{"when": "joy", "over": 0.5}] * 17}, "rules"),
        ([1, 2], "body"),
        ("text", "body"),
    ],
)
def test_wrong_values_are_named(client: Client, body: Any, field: str) -> None:
    """A value that is not valid is refused with its field and what is wrong."""
    answer = client.post("/predict", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert field in [error["field"] for error in answer.json["errors"]]
    assert all(error["message"] for error in answer.json["errors"])


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (b"{", "application/json"),
        (b"", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[" * 60_000, "application/json"),
        (b'{"video_id": null}', "text/plain"),
        (b"video_id=1", "application/x-www-form-urlencoded"),
    ],
)
def test_no_json_is_malformed(client: Client, data: bytes, content_type: str) -> None:
    """A body that is no JSON, or does not say that it is, is refused as malformed."""
    answer = client.post("/predict", data=data, content_type=content_type)
    assert (answer.status_code, answer.json["code"]) == (400, "malformed_request")


def test_a_rule_watches_what_the_model_tells(client: Client, upload: SendUpload) -> None:
    """A rule for an emotion that the model does not know is refused, with those that it knows."""
    rules = [{"when": "valence", "under": 0}, {"when": "boredom", "over": 0.6}]
    answer = client.post("/predict", json={"video_id": upload(), "rules": rules})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    [error] = answer.json["errors"]
    assert error["field"] == "rules.1.when"
    assert "anger" in error["message"]
    assert "boredom" in error["message"]


def test_nan_is_not_valid(client: Client) -> None:
    """NaN, which Python reads as JSON, is no window length."""
    data = f'{{"video_id": "{uuid4()}", "window_s": NaN}}'
    answer = client.post("/predict", data=data, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")


def test_large_body_is_refused(client: Client) -> None:
    """A body far larger than any request is refused."""
    answer = client.post("/predict", json={"video_id": "x" * 100_000})
    assert (answer.status_code, answer.json["code"]) == (413, "request_too_large")


def test_unknown_upload(client: Client, upload: SendUpload, engine: Engine) -> None:
    """An upload that is not there is named; nothing is made."""
    other = str(uuid4())
    answer = client.post("/predict", json={"video_id": upload(), "audio_id": other})
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert other in answer.json["detail"]
    assert "audio_id" in answer.json["detail"]
    assert count_jobs(engine) == 0


def test_expired_upload(client: Client, upload: SendUpload, engine: Engine) -> None:
    """An upload whose time is over is not there, even before the janitor comes."""
    video_id = upload()
    with engine.begin() as connection:
        connection.execute(update(Upload).values(expires_at=func.now()))
    assert client.post("/predict", json={"video_id": video_id}).status_code == 404


def test_wrong_kind(client: Client, upload: SendUpload) -> None:
    """Sound given as video is refused with the field, and the other way round too."""
    for field, kind in (("video_id", "audio"), ("audio_id", "video")):
        answer = client.post("/predict", json={field: upload(kind=kind)})
        assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
        assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize(
    ("option", "code"),
    [
        ({"analyzer": "openface"}, "analyzer_unavailable"),
        ({"model": "no-such-model"}, "model_unavailable"),
        ({"fusion": "late", "model": "no-such-model"}, "model_unavailable"),
        ({"fusion": "late", "model": BUILTIN["early"]}, "invalid_request"),
    ],
)
def test_what_is_not_here(
    client: Client, upload: SendUpload, option: dict[str, str], code: str, engine: Engine
) -> None:
    """An analyzer or model that is not here, or not of that fusion, is refused before anything is made."""
    answer = client.post("/predict", json={"video_id": upload(), **option})
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert count_jobs(engine) == 0


def test_an_analyzer_that_a_worker_has(
    client: Client, upload: SendUpload, predict: Predict, settings: Settings
) -> None:
    """OpenFace is taken where a worker can use it; where it is broken, the answer says how."""
    video = upload()
    announce(settings, "media@one", {"openface": ["AU_predictors is missing in its folder."]})
    answer = client.post("/predict", json={"video_id": video, "analyzer": "openface"})
    assert answer.json["code"] == "analyzer_unavailable"
    assert answer.json["detail"] == "openface cannot work here. AU_predictors is missing in its folder."
    assert client.get("/readyz").json["analyzers"][1]["ok"] is False

    announce(settings, "media@two", {"openface": []})
    assert predict(video_id=video, analyzer="openface")["options"]["analyzer"] == "openface"
    assert client.get("/readyz").json["analyzers"] == [
        {"name": "landmarker", "ok": True, "problems": []},
        {"name": "openface", "ok": True, "problems": []},
    ]


def test_the_service_may_prefer_an_analyzer(settings: Settings, upload: SendUpload) -> None:
    """A setting names what sees the faces of a job that does not say; sound alone needs none."""
    app = create_app(settings.model_copy(update={"analyzer": "openface"}))
    answer = app.test_client().post("/predict", json={"video_id": upload()})
    assert answer.json["code"] == "analyzer_unavailable"

    announce(settings, "media@one", {"openface": []})
    answer = app.test_client().post("/predict", json={"video_id": upload()})
    assert answer.json["options"]["analyzer"] == "openface"


def test_fusion_that_the_model_knows_is_said(client: Client, upload: SendUpload) -> None:
    """Who asks a model for another fusion is told which one it knows."""
    body = {"video_id": upload(), "fusion": "late", "model": BUILTIN["early"]}
    [error] = client.post("/predict", json=body).json["errors"]
    assert error["field"] == "fusion"
    assert error["message"] == f"the model {BUILTIN['early']} knows early fusion, not late"


@pytest.mark.parametrize("fusion", BUILTIN)
def test_fusion_or_model_may_be_left_open(predict: Predict, upload: SendUpload, fusion: str) -> None:
    """A fusion alone gets a model that has it, a model alone its own fusion; the job names both."""
    bodies: list[dict[str, str]] = [{"fusion": fusion}, {"model": BUILTIN[fusion]}]
    for body in [*bodies, bodies[0] | bodies[1]]:
        options = predict(video_id=upload(), **body)["options"]
        assert (options["fusion"], options["model"]) == (fusion, BUILTIN[fusion])


def test_fusion_of_the_default_model(settings: Settings) -> None:
    """Where the default model is of another fusion, a job that names nothing is too."""
    app = create_app(settings.model_copy(update={"model": BUILTIN["late"]}))
    client = client_of(app)
    video_id = client.post("/upload/video", data=b"\0\0\0\x18ftypisom" + bytes(20)).json["id"]
    options = client.post("/predict", json={"video_id": video_id}).json["options"]
    assert (options["fusion"], options["model"]) == ("late", BUILTIN["late"])
    services_of(app).close()


def test_queue_full(settings: Settings, engine: Engine) -> None:
    """Past the settable depth new jobs are put off; jobs that ended do not count."""
    app = create_app(settings.model_copy(update={"max_queue_depth": 2}))
    client = client_of(app)
    video_id = client.post("/upload/video", data=b"\0\0\0\x18ftypisom" + bytes(20)).json["id"]
    made = [client.post("/predict", json={"video_id": video_id}) for _ in range(3)]
    assert [answer.status_code for answer in made] == [202, 202, 503]
    assert made[2].json["code"] == "queue_full"
    assert int(made[2].headers["Retry-After"]) > 0
    client.post(f"/jobs/{made[0].json['job_id']}/cancel")
    assert client.post("/predict", json={"video_id": video_id}).status_code == 202
    assert count_jobs(engine) == 3
    services_of(app).close()


def test_same_key_same_job(client: Client, upload: SendUpload, engine: Engine) -> None:
    """A request that comes again under its key gives the same job, even if its media have expired."""
    body, headers = {"video_id": upload()}, {"Idempotency-Key": "a-key"}
    first = client.post("/predict", json=body, headers=headers)
    with engine.begin() as connection:
        connection.execute(update(Upload).values(expires_at=func.now()))
    second = client.post("/predict", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (202, 202)
    assert second.json["job_id"] == first.json["job_id"]
    assert second.headers["Location"] == first.headers["Location"]
    assert count_jobs(engine) == 1


@pytest.mark.parametrize("asked", [{"fusion": "late"}, {"model": "a-late"}])
def test_same_key_although_the_model_is_gone(
    settings: Settings, tmp_path: Path, asked: dict[str, str]
) -> None:
    """What a request left open counts as it was chosen then: the same key still gives the same job."""
    models = tmp_path / "models"
    shutil.copytree(BUILTIN_DIR / BUILTIN["late"], models / "a-late")
    card = json.loads((models / "a-late" / "card.json").read_text())
    (models / "a-late" / "card.json").write_text(json.dumps(card | {"id": "a-late"}))
    made, other = (create_app(settings.model_copy(update={"models_dir": place})) for place in (models, None))
    video_id = client_of(made).post("/upload/video", data=b"\0\0\0\x18ftypisom" + bytes(20)).json["id"]
    body, headers = {"video_id": video_id, **asked}, {"Idempotency-Key": "a-key"}

    first = client_of(made).post("/predict", json=body, headers=headers)
    second = client_of(other).post("/predict", json=body, headers=headers)
    early = client_of(other).post("/predict", json=body | {"fusion": "early"}, headers=headers)

    assert first.json["options"]["model"] == "a-late"
    assert (second.status_code, second.json["job_id"]) == (202, first.json["job_id"])
    assert (early.status_code, early.json["code"]) == (422, "idempotency_mismatch")
    services_of(made).close()
    services_of(other).close()


def test_same_key_after_the_end(client: Client, upload: SendUpload) -> None:
    """The key of a job that has ended answers 200 with its document."""
    body, headers = {"video_id": upload()}, {"Idempotency-Key": "a-key"}
    made = client.post("/predict", json=body, headers=headers).json
    client.post(f"/jobs/{made['job_id']}/cancel")
    again = client.post("/predict", json=body, headers=headers)
    assert (again.status_code, again.json["status"]) == (200, "cancelled")


def test_same_key_other_body(client: Client, upload: SendUpload) -> None:
    """A key with another request is refused."""
    video_id, headers = upload(), {"Idempotency-Key": "a-key"}
    client.post("/predict", json={"video_id": video_id}, headers=headers)
    answer = client.post("/predict", json={"video_id": video_id, "window_s": 1}, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_mismatch")


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_bad_key(client: Client, upload: SendUpload, key: str) -> None:
    """An empty or endless key is refused."""
    answer = client.post("/predict", json={"video_id": upload()}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_key_at_once(app: OpenAPI, upload: SendUpload, engine: Engine) -> None:
    """Equal requests under one key at the same moment make one job, and all are told of it."""
    body, headers = {"video_id": upload()}, {"Idempotency-Key": "a-key"}
    start, answers = threading.Barrier(8), []

    def send() -> None:
        start.wait()
        answers.append(client_of(app).post("/predict", json=body, headers=headers))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [202] * 8
    assert len({answer.json["job_id"] for answer in answers}) == 1
    assert count_jobs(engine) == 1


def test_prefer_wait_bounded(client: Client, upload: SendUpload, engine: Engine) -> None:
    """With `Prefer: wait` the answer comes with the end of the job: then it is 200."""
    ended = threading.Event()

    def end_it() -> None:
        with engine.connect() as connection:
            while not (found := connection.execute(select(Job.id)).all()):
                connection.rollback()
            connection.execute(update(Job).values(status=JobStatus.FAILED, version=Job.version + 1))
            connection.commit()
        assert found
        ended.set()

    threading.Thread(target=end_it).start()
    answer = client.post("/predict", json={"video_id": upload()}, headers={"Prefer": "wait=20"})
    assert ended.is_set()
    assert (answer.status_code, answer.json["status"]) == (200, "failed")
    assert answer.headers["Preference-Applied"] == "wait=20"


def test_prefer_wait_over(client: Client, upload: SendUpload) -> None:
    """When the time is over first, the answer is 202 as without waiting."""
    answer = client.post(
        "/predict", json={"video_id": upload()}, headers={"Prefer": "respond-async, wait=0.3"}
    )
    assert (answer.status_code, answer.json["status"]) == (202, "queued")
    assert answer.headers["Preference-Applied"] == "wait=0.3"


def test_prefer_nonsense(client: Client, upload: SendUpload, engine: Engine) -> None:
    """A wait that is no number is refused before a job is made."""
    answer = client.post("/predict", json={"video_id": upload()}, headers={"Prefer": "wait=soon"})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "wait")
    assert count_jobs(engine) == 0


def test_documents_fit_the_schema(predict: Predict, client: Client) -> None:
    """What the API sends is what its contract says."""
    job_id = job_id_of(predict())
    JobDocument.model_validate(client.get(f"/jobs/{job_id}").json)
