"""The proof of ``bench/chaos.py`` finds what it looks for, in rows of a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from bench.faults.ledger import open_ledger
from bench.faults.proof import QUESTIONS, ask_all
from shared.tables import (
    Job,
    JobStatus,
    Prediction,
    Priority,
    Segment,
    Stage,
    StageName,
    Upload,
    UploadKind,
    UploadState,
    Webhook,
    WebhookState,
    WorkStatus,
)

KEYS = ("chaos-0", "chaos-1")
# Of the first of them; `$1` in a damage stands for it.
JOB_ID = UUID(int=1)
LOST = "UPDATE jobs SET status = 'failed', error_code = 'worker_lost' WHERE id = $1"


@pytest.fixture
def ledger(engine: Engine) -> Iterator[Engine]:
    """Two jobs that went through a run without a fault, and a ledger that saw it."""
    wanted = [{"key": key, "segments": 1, "windows": 1} for key in KEYS]
    open_ledger(engine, wanted, limit_s=60, max_losses=3)
    try:
        for number, key in enumerate(KEYS, JOB_ID.int):
            with Session(engine) as session, session.begin():
                run_job(session, key, UUID(int=number))
        yield engine
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA chaos CASCADE"))


def run_job(session: Session, key: str, job_id: UUID) -> None:
    """Write a job, end it as workers do, and tell everybody."""
    upload = Upload(
        kind=UploadKind.VIDEO,
        state=UploadState.STORED,
        media_type="video/mp4",
        demuxer="mov",
        size_bytes=1,
        sha256=key,
        expires_at=datetime.now(UTC) + timedelta(days=1),
    )
    session.add(upload)
    session.flush()
    job = Job(
        id=job_id,
        idempotency_key=key,
        request_sha256="0",
        video_id=upload.id,
        fusion="early",
        analyzer="landmarker",
        model="some-model",
        window_s=2,
        stride_s=2,
        priority=Priority.BULK,
        segments_total=1,
        stages_total=5,
        webhook_url="http://127.0.0.1/",
    )
    session.add(job)
    session.flush()
    segment = Segment(job_id=job.id, index=0, start_s=0, end_s=2)
    session.add(segment)
    session.flush()
    stages = [
        Stage(
            job_id=job.id,
            segment_id=None if name is StageName.INGEST else segment.id,
            name=name,
            status=WorkStatus.LEASED,
            losses=1,
        )
        for name in StageName
    ]
    window = Prediction(
        job_id=job.id, segment_id=segment.id, index=0, rank=1, start_s=0, end_s=2, status=WorkStatus.LEASED
    )
    session.add_all([*stages, window])
    session.flush()
    artifact = f"jobs/{job.id}/1/0000/faces-1/faces.csv"
    for stage in stages:
        stage.status = WorkStatus.DONE
        stage.output = {"faces_csv": artifact} if stage.name is StageName.FACES else {}
    window.status = WorkStatus.DONE
    job.status, job.segments_done, job.stages_done = JobStatus.SUCCEEDED, 1, 5
    job.finished_at = datetime.now(UTC)
    webhook = Webhook(
        job_id=job.id, event="job.succeeded", receiver="127.0.0.1", state=WebhookState.DELIVERED
    )
    session.add(webhook)
    session.flush()
    for table, row in (
        ("files", {"key": upload.storage_key}),
        ("files", {"key": artifact}),
        ("taken", {"webhook_id": webhook.id, "job_id": job.id, "event": webhook.event}),
        (
            "told",
            {
                "key": key,
                "job_id": job.id,
                "status": "succeeded",
                "windows": 1,
                "finished_at": job.finished_at,
            },
        ),
    ):
        columns = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        session.execute(text(f"INSERT INTO chaos.{table} ({columns}) VALUES ({values})"), row)  # noqa: S608


def off(engine: Engine) -> set[str]:
    """Return the names of the questions whose answers are not as they should be."""
    return {answer.question.name for answer in ask_all(engine) if answer.off}


def damage(engine: Engine, sql: str) -> None:
    """Plant a fault."""
    with engine.begin() as connection:
        connection.execute(text(sql.replace("$1", f"'{JOB_ID}'")))


def test_a_run_in_order_is_found_in_order(ledger: Engine) -> None:
    """Nothing is off, and what was taken back is told."""
    assert off(ledger) == set()
    told = {answer.question.name: answer.rows for answer in ask_all(ledger)}
    assert told["claims that were taken back: stages, windows"] == [(10, 0)]
    [(status, code, count, _)] = told["ends of jobs: state, code, how many, the longest in seconds"]
    assert (status, code, count) == ("succeeded", None, 2)


DAMAGES = {
    "lost: jobs that were asked for and are not there": "DELETE FROM jobs WHERE id = $1",
    "doubled: jobs more than were asked for": (
        "UPDATE jobs SET idempotency_key = NULL WHERE id = $1; DELETE FROM chaos.wanted WHERE key = 'chaos-0'"
    ),
    "hanging: jobs without an end": "UPDATE jobs SET status = 'running' WHERE id = $1",
    "hanging: jobs that took longer than the limit": (
        "UPDATE jobs SET created_at = finished_at - interval '61 s' WHERE id = $1"
    ),
    "ends that no fault explains": (
        "UPDATE jobs SET status = 'failed', error_code = 'internal_error' WHERE id = $1"
    ),
    "worker_lost without so many lost workers": LOST,
    "doubled: jobs that ended more than once": "UPDATE jobs SET finished_at = finished_at WHERE id = $1",
    "doubled: stages whose result was written more than once": (
        "UPDATE segment_stages SET status = 'done' WHERE name = 'sound' AND job_id = $1"
    ),
    "doubled: windows that were written more than once": (
        "UPDATE predictions SET status = 'done', valence = 1 WHERE job_id = $1"
    ),
    "doubled: units of work or jobs that were opened again after their end": (
        "UPDATE segment_stages SET status = 'ready' WHERE name = 'faces' AND job_id = $1"
    ),
    "lost: ends, results and windows that nobody saw being written": (
        "DELETE FROM chaos.writes WHERE ctid = (SELECT min(ctid) FROM chaos.writes)"
    ),
    "lost: stages and windows of jobs that succeeded, and are not done": (
        "UPDATE predictions SET status = 'cancelled' WHERE job_id = $1"
    ),
    "results with other counts of segments, stages or windows than their clips have": (
        "INSERT INTO predictions "
        "(job_id, segment_id, index, rank, start_s, end_s, modalities, status, token, losses, retries) "
        "SELECT job_id, segment_id, 1, rank, 2, 4, modalities, 'done', 1, 0, 0 "
        "FROM predictions WHERE job_id = $1"
    ),
    "clients who were not told of an end": "DELETE FROM chaos.told WHERE key = 'chaos-0'",
    "clients who were told of another end than stands there now": (
        "UPDATE chaos.told SET windows = 2 WHERE key = 'chaos-0'"
    ),
    "leases that are left": "UPDATE predictions SET lease_until = now() WHERE job_id = $1",
    "jobs without one webhook that was delivered": (
        "UPDATE webhooks SET state = 'pending' WHERE job_id = $1"
    ),
    "webhooks that the receiver never got": "DELETE FROM chaos.taken WHERE job_id = $1",
    "webhooks that it got and that say something else than stands there now": (
        "INSERT INTO chaos.taken SELECT webhook_id, job_id, 'job.failed' FROM chaos.taken"
    ),
    "uploads more or fewer than clips": "UPDATE uploads SET state = 'receiving' WHERE sha256 = 'chaos-0'",
    "uploads that are not whole": "UPDATE uploads SET state = 'receiving' WHERE sha256 = 'chaos-0'",
    "files without a row": (
        "INSERT INTO chaos.files VALUES ('jobs/' || gen_random_uuid() || '/1/faces.csv')"
    ),
    "files of jobs that are no artifacts": "INSERT INTO chaos.files VALUES ('jobs/' || $1 || '/crops')",
    "rows without a file": "DELETE FROM chaos.files WHERE key LIKE 'uploads/%'",
}


def test_every_question_has_a_damage() -> None:
    """A question that nothing can answer wrongly would prove nothing."""
    assert set(DAMAGES) == {question.name for question in QUESTIONS if question.counts}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_planted_fault_is_found(ledger: Engine, name: str) -> None:
    """Each question sees what it is there for: a row that was lost, doubled, left open or left behind."""
    damage(ledger, DAMAGES[name])

    assert name in off(ledger)


def test_worker_lost_is_an_end_where_so_many_workers_were_lost(ledger: Engine) -> None:
    """A job whose unit of work was hit as often as is borne has ended as it should."""
    damage(ledger, LOST)
    damage(ledger, "UPDATE predictions SET losses = 3 WHERE job_id = $1")

    assert "worker_lost without so many lost workers" not in off(ledger)
    assert "ends that no fault explains" not in off(ledger)
