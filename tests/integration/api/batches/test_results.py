from __future__ import annotations

import csv
import io
import json
from typing import Any
from uuid import UUID

import pytest
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Engine, update

import api.batches.formats
import api.batches.results
from shared.rows import columns_of
from shared.tables import Job
from tests.integration.api.batches.conftest import AddJobs, MakeBatch, fail, succeed
from tests.integration.api.conftest import Client, LiveApi, client_of
from tests.integration.api.rows import LABELS, change


def lines(client: Client, batch_id: str, query: str = "") -> list[dict[str, Any]]:
    """Return the results of a batch, read as JSON lines."""
    answer = client.get(f"/batches/{batch_id}/results.jsonl{query}")
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.text.splitlines()]


def test_rows(client: Client, batch: MakeBatch, add: AddJobs, engine: Engine) -> None:
    """Jobs that ended come in the order in which they were added, each with all columns."""
    batch_id = batch()
    jobs = add(batch_id, "c.mp4", "a.mp4", "b.mp4")
    add(batch(), "of another batch")
    succeed(engine, jobs[2], warnings=[{"code": "short_clip", "message": "…"}])
    fail(engine, jobs[0])
    failed, scored = lines(client, batch_id)
    assert list(scored) == list(failed) == columns_of(LABELS)
    assert (failed["path"], failed["status"], failed["error_code"]) == ("c.mp4", "failed", "no_face_found")
    assert scored == {
        "path": "b.mp4",
        "job_id": jobs[2]["job_id"],
        "status": "succeeded",
        "error_code": None,
        "error_message": None,
        "emotion": "anger",
        "p_anger": 0.75,
        "p_joy": 0.25,
        "valence": -0.5,
        "arousal": 0.125,
        "confidence": 0.75,
        "duration_s": 4.5,
        "faces_usable": 0.75,
        "modalities": "video+audio",
        "model_id": "videomae-nano",
        "trained": False,
        "warnings": "short_clip",
    }


def test_all_rows(client: Client, batch: MakeBatch, add: AddJobs, engine: Engine) -> None:
    """With `all` jobs that have not ended get a row too; a job that was erased never does."""
    batch_id = batch()
    jobs = add(batch_id, "a", "b", "c")
    succeed(engine, jobs[0])
    client.delete(f"/jobs/{jobs[2]['job_id']}")
    assert [row["path"] for row in lines(client, batch_id)] == ["a"]
    found = [(row["path"], row["status"]) for row in lines(client, batch_id, "?all=true")]
    assert found == [("a", "succeeded"), ("b", "queued")]
    assert client.get(f"/batches/{batch_id}/results.csv?all=perhaps").status_code == 422


def test_formats_hold_the_same(client: Client, batch: MakeBatch, add: AddJobs, engine: Engine) -> None:
    """CSV, JSON lines and Parquet hold the same rows, each with its media type and a file name."""
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet  # noqa: PLC0415 - where it is installed

    batch_id = batch()
    for position, job in enumerate(add(batch_id, "a", "=b", "été.mp4")):
        succeed(engine, job) if position else fail(engine, job)
    rows = lines(client, batch_id)
    kinds = {
        "csv": "text/csv; charset=utf-8",
        "jsonl": "application/x-ndjson",
        "parquet": "application/vnd.apache.parquet",
    }
    answers = {name: client.get(f"/batches/{batch_id}/results.{name}") for name in kinds}
    assert {name: answer.headers["Content-Type"] for name, answer in answers.items()} == kinds
    for name, answer in answers.items():
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{batch_id}.{name}"'
    table = parquet.read_table(pa.BufferReader(answers["parquet"].data))
    assert table.to_pylist() == rows
    cells = list(csv.DictReader(io.StringIO(answers["csv"].text, newline="")))
    assert [row["path"] for row in cells] == ["a", "'=b", "été.mp4"]
    assert [row["p_anger"] for row in cells] == ["", "0.75", "0.75"]
    assert list(cells[0]) == list(rows[0])
    assert client.get(f"/batches/{batch_id}/results.xml").status_code == 404


def test_labels_of_all_models(client: Client, batch: MakeBatch, add: AddJobs, engine: Engine) -> None:
    """Columns are of all models in the batch: the first job's in its order, then what others add."""
    batch_id = batch()
    jobs = add(batch_id, "a", "b", "c", "d")
    info = {"id": "x", "trained": True}
    for job, labels in zip(jobs[1:], (["joy", "anger"], ["sadness", "anger"], ["joy", "anger"]), strict=True):
        change(engine, UUID(job["job_id"]), model_info={**info, "labels": labels})
    [row, *_] = lines(client, batch_id, "?all=true")
    assert [name for name in row if name.startswith("p_")] == ["p_joy", "p_anger", "p_sadness"]


def test_an_empty_batch(client: Client, batch: MakeBatch) -> None:
    """A batch without results gives a table with a header alone."""
    batch_id = batch()
    assert client.get(f"/batches/{batch_id}/results.csv").text == ",".join(columns_of([])) + "\r\n"
    assert lines(client, batch_id) == []


@pytest.mark.parametrize("page_rows", [1, 2, 3])
def test_pages_leave_nothing_out(
    client: Client, batch: MakeBatch, add: AddJobs, monkeypatch: pytest.MonkeyPatch, page_rows: int
) -> None:
    """However the rows fall on pages, each job comes once and in order."""
    monkeypatch.setattr(api.batches.results, "PAGE_ROWS", page_rows)
    batch_id, names = batch(), ["e", "d", "c", "b", "a", "f"]
    add(batch_id, *names)
    assert [row["path"] for row in lines(client, batch_id, "?all=true")] == names


def test_a_batch_erased_meanwhile(
    app: OpenAPI, batch: MakeBatch, add: AddJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream whose batch is erased breaks off: it is not taken for a whole table."""
    monkeypatch.setattr(api.batches.results, "PAGE_ROWS", 1)
    monkeypatch.setattr(api.batches.formats, "PIECE_ROWS", 1)
    batch_id = batch()
    add(batch_id, "a", "b", "c")
    client = client_of(app)
    stream = app.test_client().get(f"/batches/{batch_id}/results.jsonl?all=true", buffered=False)
    client.delete(f"/batches/{batch_id}")
    with pytest.raises(Exception, match="There is no batch"):
        list(stream.response)


def test_a_broken_stream_is_noticed(live: LiveApi, http: Any, engine: Engine) -> None:
    """Over HTTP a table that cannot be read to its end is an error of the transfer, not a short table."""
    import httpx  # noqa: PLC0415 - the rest needs none

    video_id = http.post("/upload/video", content=b"\0\0\0\x18ftypisom" + bytes(20)).json()["id"]
    batch_id = http.post("/batches", json={}).json()["batch_id"]
    chunk = {"jobs": [{"video_id": video_id}] * 1000}
    assert http.post(f"/batches/{batch_id}/jobs", json=chunk).status_code == 202
    with engine.begin() as connection:
        # What no worker writes: a warning without a code, on the last page.
        last = max(job["job_id"] for job in http.get(f"/jobs?batch={batch_id}").json()["jobs"])
        connection.execute(update(Job).where(Job.id == UUID(last)).values(warnings=[{}]))
    with pytest.raises(httpx.RemoteProtocolError):
        http.get(f"/batches/{batch_id}/results.jsonl?all=true")
    assert live.process.poll() is None
