from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Engine, event, func, select, update
from sqlalchemy.orm import Session

from api import create_app
from api.batches.intake import CHUNK_LIMIT_BYTES
from shared.queue import queue_lengths
from shared.schemas.batches import LONGEST_REFERENCE, MOST_JOBS, ChunkDocument
from shared.settings import Settings
from shared.tables import Job, Priority, Stage, StageName, Upload, WorkStatus
from tests.integration.api.batches.conftest import AddJobs, MakeBatch, fail
from tests.integration.api.conftest import Answer, Client, client_of, video
from tests.integration.api.conftest import Upload as SendUpload
from tests.integration.conftest import services_of


def send(client: Client, batch_id: str, *jobs: dict[str, Any]) -> Answer:
    return client.post(f"/batches/{batch_id}/jobs", json={"jobs": list(jobs)})


def count_jobs(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0


def test_jobs_are_made_in_order(
    client: Client, batch: MakeBatch, upload: SendUpload, engine: Engine, settings: Settings
) -> None:
    """A chunk makes one job a line, told in the order of the request, each ready to begin as bulk work."""
    batch_id, video_id, audio_id = batch(), upload(), upload(kind="audio")
    answer = send(
        client,
        batch_id,
        {"video_id": video_id, "reference": "b.mp4"},
        {"audio_id": audio_id},
        {"video_id": video_id, "reference": "a.mp4", "priority": "interactive", "window_s": 1.5},
    )
    assert answer.status_code == 202
    told = ChunkDocument.model_validate(answer.json).jobs
    assert [(job.reference, job.status) for job in told] == [
        ("b.mp4", "queued"),
        (None, "queued"),
        ("a.mp4", "queued"),
    ]
    with Session(engine) as session:
        made = [session.get_one(Job, job.job_id) for job in told]
        stages = session.scalars(select(Stage)).all()
    assert [job.priority for job in made] == [Priority.BULK, Priority.BULK, Priority.INTERACTIVE]
    assert [job.window_s for job in made] == [settings.window_s, settings.window_s, 1.5]
    assert {str(job.batch_id) for job in made} == {batch_id}
    assert {stage.job_id for stage in stages} == {job.job_id for job in told}
    assert {(stage.name, stage.status) for stage in stages} == {(StageName.INGEST, WorkStatus.READY)}
    assert all(stage.published_at for stage in stages)
    lengths = {name: length for name, length in queue_lengths(settings).items() if length}
    assert lengths == {"media.bulk.ingest": 2, "media.interactive.ingest": 1}


def test_same_chunk_again(
    client: Client, batch: MakeBatch, add: AddJobs, engine: Engine, settings: Settings
) -> None:
    """A chunk that comes again gives the same jobs with their state, though their media have expired."""
    batch_id = batch()
    first = add(batch_id, "a", "b")
    fail(engine, first[1])
    with engine.begin() as connection:
        connection.execute(update(Upload).values(expires_at=func.now()))
    with Session(engine) as session:
        video_id = session.scalars(select(Job.video_id)).first()
    jobs = [{"video_id": str(video_id), "reference": name} for name in ("b", "a")]
    again = send(client, batch_id, *jobs).json["jobs"]
    assert again == [{**first[1], "status": "failed"}, first[0]]
    assert count_jobs(engine) == 2
    assert queue_lengths(settings)["media.bulk.ingest"] == 2


def test_a_reference_twice_in_a_chunk(
    client: Client, batch: MakeBatch, add: AddJobs, upload: SendUpload, engine: Engine
) -> None:
    """A line that comes twice in one chunk is one job; without references they are two."""
    one, two = add(batch(), "a", "a")
    assert one == two
    assert count_jobs(engine) == 1
    job = {"video_id": upload()}
    one, two = send(client, batch(), job, job).json["jobs"]
    assert one["job_id"] != two["job_id"]


def test_one_reference_in_two_batches(batch: MakeBatch, add: AddJobs) -> None:
    """A reference belongs to its batch: another batch has a job of its own for it."""
    [one], [two] = add(batch(), "a"), add(batch(), "a")
    assert one["job_id"] != two["job_id"]


@pytest.mark.parametrize("together", [True, False])
def test_a_reference_with_another_request(
    client: Client, batch: MakeBatch, upload: SendUpload, engine: Engine, *, together: bool
) -> None:
    """A reference with other values is refused as a conflict, and the chunk with it."""
    batch_id, video_id = batch(), upload()
    first = {"video_id": video_id, "reference": "a"}
    other = {"video_id": video_id, "reference": "a", "window_s": 1}
    fresh = {"video_id": video_id, "reference": "b"}
    if not together:
        send(client, batch_id, first)
    answer = send(client, batch_id, fresh, *([first] if together else []), other)
    assert (answer.status_code, answer.json["code"]) == (409, "reference_conflict")
    assert "jobs.2" in answer.json["detail"] if together else "jobs.1" in answer.json["detail"]
    assert count_jobs(engine) == (0 if together else 1)


def test_missing_uploads_are_all_named(
    client: Client, batch: MakeBatch, upload: SendUpload, engine: Engine
) -> None:
    """A chunk with uploads that are not there is refused as a whole, and every one of them is listed."""
    there, gone = upload(), [str(uuid4()), str(uuid4())]
    answer = send(
        client,
        batch(),
        {"video_id": gone[0]},
        {"video_id": there},
        {"video_id": there, "audio_id": gone[1]},
    )
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert [error["field"] for error in answer.json["errors"]] == ["jobs.0.video_id", "jobs.2.audio_id"]
    assert gone[0] in answer.json["detail"]
    assert count_jobs(engine) == 0


@pytest.mark.parametrize(
    ("job", "field"),
    [
        ({}, "jobs.1"),
        ({"video_id": "nonsense"}, "jobs.1.video_id"),
        ({"video_id": "{audio}"}, "jobs.1.video_id"),
        ({"video_id": "{video}", "fusion": "late", "model": "videomae-tiny-untrained"}, "jobs.1.fusion"),
        ({"video_id": "{video}", "colour": "red"}, "jobs.1.colour"),
        ({"video_id": "{video}", "reference": ""}, "jobs.1.reference"),
        ({"video_id": "{video}", "reference": "x" * (LONGEST_REFERENCE + 1)}, "jobs.1.reference"),
        ({"video_id": "{video}", "reference": "a\0b"}, "jobs.1.reference"),
        ({"video_id": "{video}", "reference": "\ud800"}, "jobs.1.reference"),
        ({"video_id": "{video}", "reference": 7}, "jobs.1.reference"),
    ],
)
def test_a_wrong_line_refuses_the_chunk(
    batch: MakeBatch, try_line: Callable[[dict[str, Any], str], Answer], job: dict[str, Any], field: str
) -> None:
    """One line that cannot be taken refuses all, with its place and what is wrong."""
    answer = try_line(job, batch())
    assert answer.status_code == 422, answer.json
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize(
    ("option", "code"),
    [({"model": "none"}, "model_unavailable"), ({"analyzer": "openface"}, "analyzer_unavailable")],
)
def test_what_is_not_here(
    batch: MakeBatch, try_line: Callable[[dict[str, Any], str], Answer], option: dict[str, str], code: str
) -> None:
    """A model or an analyzer that is not here refuses the chunk."""
    answer = try_line({"video_id": "{video}", **option}, batch())
    assert (answer.status_code, answer.json["code"]) == (422, code)


@pytest.fixture
def try_line(
    client: Client, upload: SendUpload, engine: Engine
) -> Iterator[Callable[[dict[str, Any], str], Answer]]:
    """Add a good line and one with ids filled in; in the end nothing may have been made."""
    ids = {"{video}": upload(), "{audio}": upload(kind="audio")}

    def send_both(job: dict[str, Any], batch_id: str) -> Answer:
        line = {name: ids.get(value, value) for name, value in job.items()}
        return send(client, batch_id, {"video_id": ids["{video}"]}, line)

    yield send_both
    assert count_jobs(engine) == 0


@pytest.mark.parametrize(
    "reference", ["été/クリップ 🎬.mp4", "\U0001f3ac" * LONGEST_REFERENCE, "a\nb\t'c", "=1+1"]
)
def test_any_text_is_a_reference(batch: MakeBatch, add: AddJobs, engine: Engine, reference: str) -> None:
    """Whatever a file may be called, up to the longest name, comes back as it was given."""
    batch_id = batch()
    [job] = add(batch_id, reference)
    assert job["reference"] == reference
    assert add(batch_id, reference) == [job]
    with Session(engine) as session:
        assert session.scalars(select(Job.reference)).all() == [reference]


@pytest.mark.parametrize("count", [0, MOST_JOBS + 1])
def test_size_of_a_chunk(client: Client, batch: MakeBatch, upload: SendUpload, count: int) -> None:
    """A chunk has at least one line and at most a thousand."""
    answer = send(client, batch(), *[{"video_id": upload()}] * count)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "jobs")


def test_a_full_chunk(client: Client, batch: MakeBatch, upload: SendUpload, engine: Engine) -> None:
    """A thousand lines with the longest references are taken, in a few statements, not in thousands."""
    video_id, statements = upload(), []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    target = services_of(client.application).engine  # type: ignore[attr-defined]  # Flask's test client has it
    event.listen(target, "before_cursor_execute", note)
    answer = send(
        client,
        batch(),
        *({"video_id": video_id, "reference": f"{n:>{LONGEST_REFERENCE}}"} for n in range(MOST_JOBS)),
    )
    event.remove(target, "before_cursor_execute", note)
    assert answer.status_code == 202
    assert len({job["job_id"] for job in answer.json["jobs"]}) == MOST_JOBS
    assert count_jobs(engine) == MOST_JOBS
    assert len(statements) < 40, statements


def test_body_that_is_too_large(client: Client, batch: MakeBatch) -> None:
    """A chunk may be far larger than other requests, but not without end."""
    answer = client.post(
        f"/batches/{batch()}/jobs", data=b" " * (CHUNK_LIMIT_BYTES + 1), content_type="application/json"
    )
    assert (answer.status_code, answer.json["code"]) == (413, "request_too_large")
    assert client.post("/batches", json={"name": "x" * 100_000}).status_code == 413


def test_chunks_at_once(app: OpenAPI, batch: MakeBatch, upload: SendUpload, engine: Engine) -> None:
    """The same chunk from several clients at the same moment makes each job once."""
    batch_id, video_id = batch(), upload()
    jobs = [{"video_id": video_id, "reference": str(number)} for number in range(20)]
    start, answers = threading.Barrier(4), []

    def post() -> None:
        client = client_of(app)
        start.wait()
        answers.append(send(client, batch_id, *jobs))

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [202] * 4
    assert len({job["job_id"] for answer in answers for job in answer.json["jobs"]}) == 20
    assert count_jobs(engine) == 20


def test_media_live_on(batch: MakeBatch, add: AddJobs, upload: SendUpload, engine: Engine) -> None:
    """A chunk moves on the time at which its media expire."""
    upload()
    with engine.begin() as connection:
        connection.execute(update(Upload).values(expires_at=datetime.now(UTC) + timedelta(minutes=1)))
    add(batch(), "a")
    with Session(engine) as session:
        [row] = session.scalars(select(Upload))
    assert row.expires_at > datetime.now(UTC) + timedelta(days=6)


def test_bulk_jobs_leave_room(settings: Settings, engine: Engine) -> None:
    """Jobs that wait as bulk keep no interactive job out, and have a limit of their own."""
    app = create_app(settings.model_copy(update={"max_queue_depth": 1, "max_bulk_depth": 3}))
    client = client_of(app)
    job = {"video_id": client.post("/upload/video", data=video()).json["id"]}
    batch_id = client.post("/batches", json={}).json["batch_id"]
    assert send(client, batch_id, job, job, job).status_code == 202
    full = send(client, batch_id, job)
    assert (full.status_code, full.json["code"]) == (503, "queue_full")
    assert "bulk" in full.json["detail"]
    assert int(full.headers["Retry-After"]) > 0
    assert client.post("/predict", json=job).status_code == 202
    assert client.post("/predict", json=job).json["code"] == "queue_full"
    assert send(client, batch_id, {**job, "priority": "interactive"}).status_code == 503
    assert count_jobs(engine) == 4
    services_of(app).close()


def test_broker_away(settings: Settings, engine: Engine) -> None:
    """Without a broker chunks are taken, and the janitor finds that none of their messages was sent."""
    app = create_app(settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"}))
    client = client_of(app)
    job = {"video_id": client.post("/upload/video", data=video()).json["id"]}
    batch_id = client.post("/batches", json={}).json["batch_id"]
    assert send(client, batch_id, *[job] * 30).status_code == 202
    with Session(engine) as session:
        assert session.scalars(select(Stage.published_at)).all() == [None] * 30
    services_of(app).close()


def test_closed_batch(client: Client, batch: MakeBatch, add: AddJobs, upload: SendUpload) -> None:
    """A closed batch takes no more jobs."""
    batch_id = batch()
    add(batch_id, "a")
    closed = client.post(f"/batches/{batch_id}/close")
    assert (closed.status_code, closed.json["closed_at"] is None) == (200, False)
    assert client.post(f"/batches/{batch_id}/close").json["closed_at"] == closed.json["closed_at"]
    answer = send(client, batch_id, {"video_id": upload()})
    assert (answer.status_code, answer.json["code"]) == (409, "conflict")


def test_no_such_batch(client: Client, upload: SendUpload) -> None:
    """Jobs for a batch that is not there are refused."""
    answer = send(client, str(uuid4()), {"video_id": upload()})
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert client.post("/batches/nonsense/jobs", json={"jobs": []}).status_code == 404
