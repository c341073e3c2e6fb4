from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
import redis
from sqlalchemy import Engine, update

from shared.errors import ErrorCode
from shared.janitors import KEY, show_janitor
from shared.queue import broker
from shared.settings import Settings
from shared.tables import Job, JobStatus, Stage, WorkStatus
from tests.integration.api.conftest import Predict, Upload, job_id_of
from tests.integration.ops.conftest import Ops, end, lose_messages

NOBODY = "redis://127.0.0.1:1/0"
INGEST = "media.interactive.ingest"


def test_status_of_a_service_at_rest(ops: Ops, settings: Settings) -> None:
    """Everything answers, nothing waits: exit status 0, with no worker and none needed."""
    show_janitor(settings, "elsewhere")
    outcome = ops("status")
    assert ["janitor", "ok", "alive", "on", "elsewhere"] in outcome.rows
    assert outcome.code == 0
    for name in ("database", "broker", "storage"):
        assert [name, "ok", "answers"] in outcome.rows
    assert "jobs       0 queued, 0 running" in outcome.out
    assert "last hour  none ended" in outcome.out
    assert "workers    none answer" in outcome.out
    assert "All queues are empty." in outcome.out


def test_status_without_a_janitor(ops: Ops, settings: Settings) -> None:
    """One that has not shown itself for a minute, on whatever host, is a fault, which says how to mend it."""
    show_janitor(settings, "elsewhere")
    broker(settings).zincrby(KEY, -61, "elsewhere")
    outcome = ops("status")
    assert outcome.code == 1
    assert "janitor: None has shown itself for a minute" in outcome.out
    assert "python -m worker janitor" in outcome.out


def test_a_full_broker_is_down(ops: Ops, settings: Settings) -> None:
    """It answers, but takes no messages: that is said, by the doctor too."""
    show_janitor(settings, "elsewhere")
    valkey = broker(settings)
    valkey.config_set("maxmemory", 1)
    try:
        outcome, doctor = ops("status"), ops("doctor")
    finally:
        valkey.config_set("maxmemory", 0)
    assert outcome.code == 1
    assert "broker: The broker's memory is full, it takes no messages: raise its maxmemory." in outcome.out
    assert ["FAIL", "broker", "The", "broker's"] in [row[:4] for row in doctor.rows]
    assert ops("status").code == 0


def test_status_counts_and_complains(ops: Ops, predict: Predict, upload: Upload, engine: Engine) -> None:
    """Jobs by state and what ended in the last hour; work that no worker takes is a fault."""
    predict()
    for number, (status, code, age_s) in enumerate(
        [
            (JobStatus.SUCCEEDED, None, 60),
            (JobStatus.FAILED, ErrorCode.WORKER_LOST, 3500),
            (JobStatus.FAILED, ErrorCode.WORKER_LOST, 0),
            (JobStatus.FAILED, ErrorCode.NO_SOUND, 3700),
        ]
    ):
        job_id = job_id_of(predict(video_id=upload(str(number))))
        end(engine, job_id, status, code, age_s)
    outcome = ops("status")
    assert outcome.code == 1
    assert "jobs       1 queued, 0 running" in outcome.out
    assert "last hour  2 worker_lost, 1 succeeded\n" in outcome.out
    assert f"{INGEST}: 1 unit of work ready, 5 messages, and no worker takes from it." in outcome.out
    document = ops("status", "--json").json
    assert document["figures"]["open"] == {"queued": 1, "running": 0}
    [queue] = [queue for queue in document["queues"] if queue["name"] == INGEST]
    assert queue["oldest_s"] >= 0
    assert {**queue, "oldest_s": 0} == {
        "name": INGEST,
        "messages": 5,
        "ready": 1,
        "oldest_s": 0,
        "leased": 0,
        "lost": 0,
    }


def test_what_ended_is_counted_whatever_life_jobs_have_here(
    ops: Ops, predict: Predict, engine: Engine
) -> None:
    """With another life of jobs in the settings than in the service's, the last hour is the same."""
    end(engine, job_id_of(predict()), JobStatus.SUCCEEDED, None, 60)
    for life_s in ("3600", "8640000"):
        assert ops("status", job_ttl_s=life_s).rows.count(["last", "hour", "1", "succeeded"]) == 1


def test_status_without_the_broker(ops: Ops, predict: Predict) -> None:
    """The broker is said to be down; the rest is still shown, with unknown messages."""
    predict()
    outcome = ops("status", broker_url=NOBODY)
    assert outcome.code == 1
    assert ["janitor", "-", "not", "seen"] in [row[:4] for row in outcome.rows]
    assert "broker: The broker does not answer: ConnectionError." in outcome.out
    assert "jobs       1 queued, 0 running" in outcome.out
    assert next(row for row in outcome.rows if row[:1] == [INGEST])[:3] == [INGEST, "?", "1"]


def test_status_without_the_database(ops: Ops) -> None:
    """The database is said to be down, in a sentence without its password."""
    outcome = ops("status", database_url="postgresql://me:secret@127.0.0.1:1/x")
    assert outcome.code == 1
    assert "database: The database does not answer" in outcome.out
    assert ["broker", "ok", "answers"] in outcome.rows
    assert "secret" not in outcome.out + outcome.err


def test_lost_messages_are_seen(ops: Ops, predict: Predict, settings: Settings, engine: Engine) -> None:
    """Ready units whose messages are gone from the broker are counted as lost, once they are late."""
    predict()
    broker(settings).flushall()
    rows = {queue["name"]: queue for queue in ops("queues", "--json").json}
    assert (rows[INGEST]["messages"], rows[INGEST]["ready"], rows[INGEST]["lost"]) == (0, 1, 0)
    lose_messages(engine, 300)
    row = next(row for row in ops("queues").rows if row[0] == INGEST)
    assert row == [INGEST, "0", "1", "5", "min", "0", "1"]
    assert f"{INGEST}: 1 message lost for 5 min; is a janitor running?" in ops("status").out


def test_leased_units_are_counted(ops: Ops, predict: Predict, engine: Engine) -> None:
    """What a worker holds is not ready, but leased."""
    job_id = job_id_of(predict())
    with engine.begin() as connection:
        connection.execute(update(Stage).where(Stage.job_id == job_id).values(status=WorkStatus.LEASED))
    [queue] = [queue for queue in ops("queues", "--json").json if queue["leased"]]
    assert (queue["name"], queue["ready"], queue["leased"]) == (INGEST, 0, 1)


def test_jobs_of_all_are_listed(ops: Ops, predict: Predict, upload: Upload, engine: Engine) -> None:
    """Newest first, with state, stage, age, attempt, error and losses; filters leave out the others."""
    old, new = (job_id_of(predict(video_id=upload(mark))) for mark in "ab")
    end(engine, old, JobStatus.FAILED, ErrorCode.WORKER_LOST)
    with engine.begin() as connection:
        connection.execute(update(Stage).where(Stage.job_id == old).values(losses=3))
        connection.execute(
            update(Job)
            .where(Job.id == old)
            .values(stage="faces", created_at=Job.created_at - timedelta(hours=5))
        )
    header, *rows = ops("jobs").rows
    assert header == ["job", "status", "stage", "age", "attempt", "error", "losses"]
    assert [row[0] for row in rows] == [str(new), str(old)]
    assert rows[1] == [str(old), *["failed", "faces", "5", "h", "1", "worker_lost", "3"]]
    for filters in (("--status", "failed"), ("--code", "worker_lost"), ("--older-than", "1h")):
        assert [line["job_id"] for line in ops("jobs", *filters, "--json").json] == [str(old)]
    both = ops("jobs", "--status", "failed", "--status", "queued", "--json").json
    assert [line["job_id"] for line in both] == [str(new), str(old)]
    assert "The newest 1; --limit shows more." in ops("jobs", "--limit", "1").out
    assert ops("jobs", "--code", "timeout").out == "There are no such jobs.\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("jobs", "--code", "bad_luck"), "worker_lost"),
        (("jobs", "--older-than", "soon"), "7d"),
        (("requeue", "mine"), "ops jobs"),
        (("cancel", "mine"), "ops jobs"),
        (("cancel", "--status", "failed"), "queued"),
        (("requeue",), "--all-failed"),
        (("requeue", "--stuck", "--all-failed"), "ids"),
        (("cancel",), "--status"),
    ],
)
def test_a_slip_is_told_with_what_would_do(ops: Ops, arguments: tuple[str, ...], told: str) -> None:
    """Wrong codes, ages, ids and missing choices are usage errors which help."""
    outcome = ops(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err


def test_nobody_works(ops: Ops) -> None:
    """Without workers it is said how to start them; a machine gets an empty list."""
    outcome = ops("workers", "--timeout", "0.2")
    assert outcome.code == 0
    assert outcome.out.startswith("No worker answers.")
    assert ops("workers", "--timeout", "0.2", "--json").json == []
    outcome = ops("drain", "--timeout", "0.2")
    assert outcome.code == 1
    assert "No worker answers." in outcome.err


def test_watching_ends_with_ctrl_c(ops: Ops, predict: Predict) -> None:
    """The view is drawn again and again; Ctrl-C ends it with exit status 0."""
    ops("queues")
    predict()
    process = subprocess.Popen(
        [sys.executable, "-m", "client.main", "ops", "queues", "--watch", "--every", "0.2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TTY_COMPATIBLE": "1", "COLUMNS": "120"},
    )
    try:
        assert process.stdout is not None
        seen = b""
        while seen.count(INGEST.encode()) < 2:
            chunk = os.read(process.stdout.fileno(), 4096)
            assert chunk, process.communicate()[1]
            seen += chunk
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()


def test_doctor_finds_what_is_wrong(ops: Ops, predict: Predict, engine: Engine, settings: Settings) -> None:
    """All servers are looked at; work without workers, old tables and a forgetful broker are faults."""
    outcome = ops("doctor")
    assert outcome.code == 0
    found = {row[1]: row[0] for row in outcome.rows if row[0] in {"ok", "FAIL", "-"}}
    servers = ("disk", "database", "migrations", "clock", "broker", "storage", "queues")
    assert {name: found[name] for name in servers} == dict.fromkeys(servers, "ok")
    assert found["sandbox"] == "ok"
    assert "seccomp o" in outcome.out

    predict()
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    try:
        with redis.Redis.from_url(str(settings.broker_url)) as valkey:
            valkey.config_set("maxmemory-policy", "allkeys-lru")
            outcome = ops("doctor")
            valkey.config_set("maxmemory-policy", "noeviction")
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0004'")
    assert outcome.code == 1
    found = {row[1]: row[0] for row in outcome.rows if row[0] in {"ok", "FAIL", "-"}}
    assert {name for name in servers if found[name] == "FAIL"} == {"migrations", "broker", "queues"}
    assert "python -m migrations" in outcome.out
    assert "allkeys-lru" in outcome.out
    assert f"No worker takes what waits in {INGEST} (1 unit of work ready, 1 message)." in outcome.out


@pytest.mark.usefixtures("ops")
def test_ops_needs_no_worker_code() -> None:
    """The API's image has none of it: the commands load without, and say so where they need it."""
    script = "import sys; sys.modules['worker'] = None\nfrom client.main import app\napp(sys.argv[1:])"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
        )

    assert run("ops", "queues").returncode == 0
    assert "janitor    DOWN None has shown itself" in run("ops", "status").stdout
    purge = run("ops", "purge")
    assert purge.returncode == 1
    assert "not installed here" in run("doctor").stdout
    assert purge.stderr.startswith("service_unavailable: Only the janitor removes")
