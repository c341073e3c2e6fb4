from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from shared.schemas.jobs import JobPage
from shared.tables import Batch, JobStatus
from tests.integration.api.conftest import Client, Predict, Upload, job_id_of
from tests.integration.api.rows import add_segment, change


def test_pages(client: Client, predict: Predict, upload: Upload) -> None:
    """Pages follow each other from the newest job to the oldest, each job once."""
    video_id = upload()
    made = [predict(video_id=video_id)["job_id"] for _ in range(5)]
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        page = client.get(f"/jobs?limit=2{cursor and '&cursor=' + cursor}").json
        JobPage.model_validate(page)
        seen += [job["job_id"] for job in page["jobs"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert seen == made[::-1]
    assert pages == 3


def test_full_last_page(client: Client, predict: Predict, upload: Upload) -> None:
    """A page that holds the last job exactly names no next one."""
    video_id = upload()
    for _ in range(2):
        predict(video_id=video_id)
    assert client.get("/jobs?limit=2").json["next_cursor"] is None


def test_by_status(client: Client, predict: Predict, upload: Upload) -> None:
    """Only jobs in the state asked for are listed."""
    video_id = upload()
    ended, _ = (predict(video_id=video_id)["job_id"] for _ in range(2))
    client.post(f"/jobs/{ended}/cancel")
    assert [job["job_id"] for job in client.get("/jobs?status=cancelled").json["jobs"]] == [ended]


def test_by_batch(client: Client, predict: Predict, upload: Upload, engine: Engine) -> None:
    """Only jobs of the batch asked for are listed."""
    video_id = upload()
    mine, _ = (job_id_of(predict(video_id=video_id)) for _ in range(2))
    with Session(engine) as session, session.begin():
        batch = Batch()
        session.add(batch)
        session.flush()
        batch_id = batch.id
    change(engine, mine, batch_id=batch_id, reference="a/b.mp4")
    found = client.get(f"/jobs?batch={batch_id}").json["jobs"]
    assert [(job["job_id"], job["batch_id"], job["reference"]) for job in found] == [
        (str(mine), str(batch_id), "a/b.mp4")
    ]
    assert client.get(f"/jobs?batch={uuid4()}").json["jobs"] == []


def test_windows_are_left_out(client: Client, predict: Predict, engine: Engine) -> None:
    """A listing says how far each job is, without its windows."""
    job_id = job_id_of(predict())
    add_segment(engine, job_id)
    [job] = client.get("/jobs").json["jobs"]
    assert (job["windows"], job["segments"]) == ([], {"done": 0, "total": 1})
    assert job["status"] == JobStatus.RUNNING


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=fine", "status"),
        ("batch=7", "batch"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=%F0%9F%99%82", "cursor"),
        ("cursor=" + "A" * 65, "cursor"),
    ],
)
def test_wrong_query(client: Client, query: str, field: str) -> None:
    """A value of the query that is not valid is refused with its name."""
    answer = client.get(f"/jobs?{query}")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)
