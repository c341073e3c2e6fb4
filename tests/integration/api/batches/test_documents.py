from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from shared.batch_documents import groups_statement
from shared.schemas.batches import LONGEST_NAME, BatchDocument, BatchPage
from tests.integration.api.batches.conftest import AddJobs, MakeBatch, fail, succeed
from tests.integration.api.conftest import Client
from tests.integration.api.rows import change


def test_batch_is_made(client: Client) -> None:
    """POST /batches answers 201 with where the batch is and its document."""
    answer = client.post("/batches", json={"name": "CREMA-D"})
    document = BatchDocument.model_validate(answer.json)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/batches/{document.batch_id}"
    assert (document.name, document.closed_at, document.counts.total) == ("CREMA-D", None, 0)
    assert client.get(answer.headers["Location"]).json == answer.json


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x" * (LONGEST_NAME + 1)}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": 5}, "name"),
        ({"title": "x"}, "title"),
        ([], "body"),
    ],
)
def test_wrong_values_are_named(client: Client, body: Any, field: str) -> None:
    """A value that is not valid is refused with its field."""
    answer = client.post("/batches", json=body)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)


def test_counts(client: Client, batch: MakeBatch, add: AddJobs, engine: Engine) -> None:
    """The document counts jobs by state and errors by code, and says how fast they end."""
    batch_id = batch()
    add(batch(), "of another batch")
    jobs = add(batch_id, *"abcdefgh")
    succeed(engine, jobs[0])
    succeed(engine, jobs[1])
    fail(engine, jobs[2])
    fail(engine, jobs[3], "timeout")
    fail(engine, jobs[4], "timeout")
    client.post(f"/jobs/{jobs[5]['job_id']}/cancel")
    client.delete(f"/jobs/{jobs[6]['job_id']}")
    document = client.get(f"/batches/{batch_id}").json
    BatchDocument.model_validate(document)
    assert document["counts"] == {
        "queued": 1,
        "running": 0,
        "succeeded": 2,
        "failed": 3,
        "cancelled": 1,
        "total": 7,
    }
    assert document["errors"] == {"timeout": 2, "no_face_found": 1}
    assert document["progress"] == 0.857
    assert document["rate_per_s"] > 0
    assert document["eta_s"] > 0


def test_old_ends_are_no_rate(client: Client, batch: MakeBatch, add: AddJobs, engine: Engine) -> None:
    """Jobs that ended minutes ago say nothing of the rate, and the time left is unknown."""
    batch_id, past = batch(), datetime.now(UTC) - timedelta(minutes=2)
    jobs = add(batch_id, "a", "b")
    succeed(engine, jobs[0], started_at=past, finished_at=past)
    document = client.get(f"/batches/{batch_id}").json
    assert (document["rate_per_s"], document["eta_s"]) == (0, None)


def test_finished(client: Client, batch: MakeBatch, add: AddJobs, engine: Engine) -> None:
    """A batch is finished when it is closed and all its jobs have ended; then polling may stop."""
    batch_id = batch()
    jobs = add(batch_id, "a", "b")
    job_id = succeed(engine, jobs[0])
    client.post(f"/batches/{batch_id}/close")
    running = client.get(f"/batches/{batch_id}")
    assert (running.json["finished_at"], int(running.headers["Retry-After"]) > 0) == (None, True)
    fail(engine, jobs[1])
    ended = client.get(f"/batches/{batch_id}")
    assert ended.json["finished_at"] is not None
    assert (ended.json["progress"], ended.json["eta_s"]) == (1, 0)
    assert "Retry-After" not in ended.headers
    change(engine, job_id, status="running", finished_at=None)
    assert client.get(f"/batches/{batch_id}").json["finished_at"] is None


def test_unchanged(client: Client, batch: MakeBatch, add: AddJobs, engine: Engine) -> None:
    """Who knows the document gets 304 without one, until something changes."""
    batch_id = batch()
    [job] = add(batch_id, "a")
    first = client.get(f"/batches/{batch_id}")
    known = {"If-None-Match": first.headers["ETag"]}
    again = client.get(f"/batches/{batch_id}", headers=known)
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert "Retry-After" in again.headers
    fail(engine, job)
    changed = client.get(f"/batches/{batch_id}", headers=known)
    assert (changed.status_code, changed.json["counts"]["failed"]) == (200, 1)


def test_pages(client: Client, batch: MakeBatch, add: AddJobs) -> None:
    """Pages follow each other from the newest batch to the oldest, each with its own counts."""
    made = [batch(name=str(number)) for number in range(5)]
    add(made[1], "a", "b")
    seen: list[dict[str, Any]] = []
    cursor, pages = "", 0
    while cursor is not None:
        page = client.get(f"/batches?limit=2{cursor and '&cursor=' + cursor}").json
        BatchPage.model_validate(page)
        seen += page["batches"]
        cursor, pages = page["next_cursor"], pages + 1
    assert [document["batch_id"] for document in seen] == made[::-1]
    assert [document["counts"]["total"] for document in seen] == [0, 0, 0, 2, 0]
    assert pages == 3


@pytest.mark.parametrize(
    ("query", "field"), [("limit=0", "limit"), ("limit=101", "limit"), ("cursor=x", "cursor")]
)
def test_wrong_query(client: Client, query: str, field: str) -> None:
    """A value of the query that is not valid is refused with its name."""
    answer = client.get(f"/batches?{query}")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("delete", ""),
        ("post", "/close"),
        ("post", "/cancel"),
        ("get", "/results.csv"),
        ("get", "/results.jsonl"),
        ("get", "/results.parquet"),
    ],
)
def test_no_such_batch(client: Client, method: str, path: str) -> None:
    """A batch that is not there is not found, whatever is asked of it."""
    for batch_id in (str(uuid4()), "nonsense"):
        answer = getattr(client, method)(f"/batches/{batch_id}{path}")
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_counts_are_read_from_their_index(batch: MakeBatch, add: AddJobs, engine: Engine) -> None:
    """The index that was made for counting holds all that counting needs: no row is read."""
    batch_id = batch()
    add(batch_id, *map(str, range(50)))
    counting = groups_statement([UUID(batch_id)], datetime.now(UTC)).compile(
        engine, compile_kwargs={"literal_binds": True}
    )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE jobs"))
        # Of so few rows the planner would read all.
        connection.execute(text("SET enable_seqscan = off"))
        plan = "\n".join(connection.scalars(text(f"EXPLAIN {counting}")))
        connection.invalidate()
    assert "Index Only Scan using ix_jobs_batch_counts" in plan
