from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Engine

from api import create_app
from shared.settings import Settings
from shared.tables import JobStatus
from tests.integration.api.conftest import Client, Predict, client_of, job_id_of
from tests.integration.api.rows import change
from tests.integration.conftest import services_of
from tests.servers import wait_until


@contextmanager
def later(app: OpenAPI, engine: Engine, job_id: UUID, **values: object) -> Iterator[None]:
    """Change a job once a request is waiting for it."""
    seats = services_of(app).waiting._seats

    def work() -> None:
        wait_until(lambda: seats._value < services_of(app).settings.api_threads // 2)
        change(engine, job_id, **values)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()


def test_wait_for_a_change(app: OpenAPI, client: Client, predict: Predict, engine: Engine) -> None:
    """With the known version, a waiting request is answered when the job changes."""
    job_id = job_id_of(predict())
    tag = client.get(f"/jobs/{job_id}").headers["ETag"]
    with later(app, engine, job_id, stage="faces"):
        answer = client.get(f"/jobs/{job_id}?wait=20", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json["stage"]) == (200, "faces")


def test_wait_for_the_end(app: OpenAPI, client: Client, predict: Predict, engine: Engine) -> None:
    """Without a known version, a waiting request is answered when the job ends."""
    job_id = job_id_of(predict())
    change(engine, job_id, stage="faces")
    with later(app, engine, job_id, status=JobStatus.CANCELLED):
        answer = client.get(f"/jobs/{job_id}?wait=20")
    assert answer.json["status"] == "cancelled"


def test_time_over(client: Client, predict: Predict) -> None:
    """When the time is over the answer is what it would have been without waiting."""
    address = f"/jobs/{predict()['job_id']}"
    tag = client.get(address).headers["ETag"]
    assert client.get(f"{address}?wait=0.3", headers={"If-None-Match": tag}).status_code == 304
    assert client.get(f"{address}?wait=0.3").json["status"] == "queued"


def test_ended_job_is_not_waited_for(client: Client, predict: Predict) -> None:
    """A request for a job that has ended is answered, whatever it would wait."""
    address = f"/jobs/{predict()['job_id']}"
    client.post(f"{address}/cancel")
    tag = client.get(address).headers["ETag"]
    assert client.get(f"{address}?wait=1000", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("wait", ["soon", "-1", "nan", "inf", ""])
def test_wrong_wait(client: Client, predict: Predict, wait: str) -> None:
    """A wait that is no number of seconds is refused."""
    answer = client.get(f"/jobs/{predict()['job_id']}?wait={wait}")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "wait")


def test_unknown_job(client: Client) -> None:
    """Nobody waits for a job that is not there."""
    assert client.get(f"/jobs/{UUID(int=1)}?wait=1000").status_code == 404


def test_longest_wait(settings: Settings) -> None:
    """No request waits longer than the setting allows."""
    app = create_app(settings.model_copy(update={"max_wait_s": 0.3}))
    client = client_of(app)
    video_id = client.post("/upload/video", data=b"\0\0\0\x18ftypisom" + bytes(20)).json["id"]
    job_id = client.post("/predict", json={"video_id": video_id}).json["job_id"]
    assert client.get(f"/jobs/{job_id}?wait=1e9").json["status"] == "queued"
    answer = client.post("/predict", json={"video_id": video_id}, headers={"Prefer": "wait=1000"})
    assert answer.headers["Preference-Applied"] == "wait=0.3"
    services_of(app).close()


def test_half_of_the_threads_wait(app: OpenAPI, predict: Predict, client: Client) -> None:
    """When half of the threads wait, the next request is answered at once instead of waiting."""
    address = f"/jobs/{predict()['job_id']}"
    seats = services_of(app).waiting._seats
    threads = [
        threading.Thread(target=lambda: client_of(app).get(f"{address}?wait=20"))
        for _ in range(services_of(app).settings.api_threads // 2)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: seats._value == 0)
    assert client.get(f"{address}?wait=1000").json["status"] == "queued"
    assert seats._value == 0, "the others were still waiting"
    client.post(f"{address}/cancel")
    for thread in threads:
        thread.join()
    assert seats._value == len(threads)


def test_process_that_ends_lets_go(app: OpenAPI, predict: Predict, client: Client) -> None:
    """Requests that wait are answered when their process is about to end."""
    address = f"/jobs/{predict()['job_id']}"
    room = services_of(app).waiting
    answers = []
    thread = threading.Thread(target=lambda: answers.append(client.get(f"{address}?wait=25")))
    started = time.monotonic()
    thread.start()
    wait_until(lambda: room._seats._value < services_of(app).settings.api_threads // 2)
    room.is_closing = lambda: True
    thread.join()
    assert answers[0].json["status"] == "queued"
    assert time.monotonic() - started < 25
