from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Engine, text

from api.polling import entity_tag
from api.reading import JobState
from shared.schemas.jobs import JobDocument
from shared.tables import JobStatus
from tests.integration.api.conftest import Client, Predict, Upload, job_id_of
from tests.integration.api.rows import add_segment, change

NOBODYS = "01a20000-0000-7000-8000-000000000000"


def test_document_with_tag(client: Client, predict: Predict) -> None:
    """A job that goes on is sent with a strong ETag and with when to ask again."""
    made = predict()
    answer = client.get(f"/jobs/{made['job_id']}")
    assert (answer.status_code, answer.json) == (200, made)
    assert answer.headers["ETag"].startswith('"')
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.content_type == "application/json"


def test_nothing_new(client: Client, predict: Predict) -> None:
    """A version that the client has is not sent again."""
    address = f"/jobs/{predict()['job_id']}"
    tag = client.get(address).headers["ETag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        answer = client.get(address, headers={"If-None-Match": known})
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == tag
        assert "Retry-After" in answer.headers


def test_change_is_sent(client: Client, predict: Predict, engine: Engine) -> None:
    """A change gives another tag, and the document to whoever knows the old one."""
    job_id = job_id_of(predict())
    first = client.get(f"/jobs/{job_id}")
    change(engine, job_id, status=JobStatus.RUNNING, stage="faces", stages_done=1, stages_total=4)
    second = client.get(f"/jobs/{job_id}", headers={"If-None-Match": first.headers["ETag"]})
    assert (second.status_code, second.json["stage"], second.json["progress"]) == (200, "faces", 0.25)
    assert second.headers["ETag"] != first.headers["ETag"]
    assert client.get(f"/jobs/{job_id}").json == second.json


def test_windows_so_far(client: Client, predict: Predict, engine: Engine) -> None:
    """Windows that are scored are sent in the order of time while others still wait."""
    job_id = job_id_of(predict())
    add_segment(engine, job_id, 1)
    add_segment(engine, job_id, 0)
    document = JobDocument.model_validate(client.get(f"/jobs/{job_id}").json)
    assert [window.start_s for window in document.windows] == [0, 2, 10, 12]
    assert document.windows[0].model_dump() == {
        "start_s": 0,
        "end_s": 2,
        "probabilities": {"anger": 0.75, "joy": 0.25},
        "valence": -0.5,
        "arousal": 0.125,
        "modalities": ["video", "audio"],
        "face_coverage": 0.5,
        "voice_activity": 0.25,
    }
    assert document.modalities == ["video", "audio"]


def test_alerts_so_far(client: Client, upload: Upload, engine: Engine) -> None:
    """While a job runs, its document tells where the rules of its request have held."""
    rules = [
        {"when": "anger", "over": 0.6, "for_s": 4},
        {"when": "anger", "over": 0.6, "for_s": 5},
        {"when": "valence", "under": -0.4},
    ]
    made = client.post("/predict", json={"video_id": upload(), "stride_s": 2.0, "rules": rules})
    job_id = job_id_of(made.json)
    assert (made.status_code, made.json["alerts"]) == (202, [])

    add_segment(engine, job_id)
    document = JobDocument.model_validate(client.get(f"/jobs/{job_id}").json)

    assert [rule.model_dump(exclude_none=True) for rule in document.options.rules] == [
        {"for_s": 0.0} | rule for rule in rules
    ]
    assert [alert.model_dump() for alert in document.alerts] == [
        {"rule": 0, "when": "anger", "start_s": 0, "end_s": 4, "peak": 0.75},
        {"rule": 2, "when": "valence", "start_s": 0, "end_s": 4, "peak": -0.5},
    ]


def test_end(client: Client, predict: Predict, engine: Engine) -> None:
    """A job that has ended is not to be asked for again."""
    job_id = job_id_of(predict())
    change(engine, job_id, status=JobStatus.FAILED, error_code="no_sound", error_message="It is silent.")
    answer = client.get(f"/jobs/{job_id}")
    assert answer.json["error"] == {"code": "no_sound", "message": "It is silent."}
    assert "Retry-After" not in answer.headers
    again = client.get(f"/jobs/{job_id}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert "Retry-After" not in again.headers


@pytest.mark.parametrize("headers", [{}, {"If-None-Match": '"x"'}, {"If-None-Match": "*"}])
@pytest.mark.parametrize("job_id", [NOBODYS, "nonsense", "x" * 36, "../jobs"])
def test_unknown_job(client: Client, job_id: str, headers: dict[str, str]) -> None:
    """A job that is not there, or an id that cannot be one, is not found."""
    answer = client.get(f"/jobs/{job_id}", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_head(client: Client, predict: Predict) -> None:
    """HEAD gives the headers of GET without its body."""
    address = f"/jobs/{predict()['job_id']}"
    answer = client.head(address)
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["ETag"] == client.get(address).headers["ETag"]


def test_dropped_connections(app: OpenAPI, client: Client, predict: Predict, engine: Engine) -> None:
    """Polls go on when the server has dropped every connection meanwhile."""
    address = f"/jobs/{predict()['job_id']}"
    tag = client.get(address).headers["ETag"]
    for _ in range(6):
        client.get(address)
    with engine.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        )
    codes: list[Any] = [client.get(address, headers={"If-None-Match": tag}).status_code for _ in range(6)]
    codes += [client.get(address).status_code for _ in range(6)]
    assert codes == [304] * 6 + [200] * 6
    assert client.get("/jobs").status_code == 200
    assert app is not None


def test_an_end_is_never_taken_for_what_came_before() -> None:
    """A database that crashed may have forgotten a version that a client knows, and count to it again."""
    job_id = uuid4()

    assert entity_tag(job_id, JobState(9, ended=False)) != entity_tag(job_id, JobState(9, ended=True))
