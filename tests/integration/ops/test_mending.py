from __future__ import annotations

import os
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from shared.errors import ErrorCode
from shared.storage import Storage
from shared.tables import Job, JobStatus, Stage, Upload, WorkStatus
from tests.integration.api.conftest import Client, Predict, job_id_of
from tests.integration.api.conftest import Upload as SendUpload
from tests.integration.ops.conftest import NewJobs, Ops, drop_media, end, lose_messages, sent, states

UNKNOWN = "0198c0de-0000-7000-8000-000000000001"


def test_a_failed_job_begins_anew(ops: Ops, new_jobs: NewJobs, client: Client, engine: Engine) -> None:
    """As by POST /jobs/{id}/retry: queued, one attempt more, no error; the janitor is to send its message."""
    [job_id] = new_jobs("a")
    end(engine, job_id, JobStatus.FAILED, ErrorCode.WORKER_LOST)
    outcome = ops("requeue", str(job_id))
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "1 job begins anew.\n")
    document = client.get(f"/jobs/{job_id}").json
    assert (document["status"], document["attempt"], document["error"]) == ("queued", 2, None)
    assert sent(engine) == {job_id: False}


def test_failed_jobs_are_chosen_by_code(ops: Ops, new_jobs: NewJobs, engine: Engine) -> None:
    """By a code only what failed with it, with --all-failed whatever failed; cancelled ones stay."""
    lost, late, cancelled = new_jobs("abc")
    end(engine, lost, JobStatus.FAILED, ErrorCode.WORKER_LOST)
    end(engine, late, JobStatus.FAILED, ErrorCode.TIMEOUT)
    end(engine, cancelled, JobStatus.CANCELLED)
    assert ops("requeue", "--code", "worker_lost").err == "1 job begins anew.\n"
    ended = {late: JobStatus.FAILED, cancelled: JobStatus.CANCELLED}
    assert states(engine) == {lost: JobStatus.QUEUED, **ended}
    assert ops("requeue", "--all-failed").err == "1 job begins anew.\n"
    assert states(engine)[late] is JobStatus.QUEUED
    assert states(engine)[cancelled] is JobStatus.CANCELLED


def test_more_than_one_is_asked_about(ops: Ops, new_jobs: NewJobs, engine: Engine) -> None:
    """Only with a yes, typed or given before, do several jobs begin anew."""
    for job_id in new_jobs("ab"):
        end(engine, job_id, JobStatus.FAILED, ErrorCode.WORKER_LOST)
    for typed in ("n\n", "", "\n"):
        outcome = ops("requeue", "--all-failed", typed=typed)
        assert outcome.code == 1
        assert "2 jobs would begin anew. Go on?" in outcome.err
        assert set(states(engine).values()) == {JobStatus.FAILED}
    assert ops("requeue", "--all-failed", typed="y\n").err.endswith("2 jobs begin anew.\n")
    for job_id in states(engine):
        end(engine, job_id, JobStatus.FAILED, ErrorCode.WORKER_LOST)
    assert ops("requeue", "--all-failed", "--yes").err == "2 jobs begin anew.\n"


def test_jobs_without_media_are_left_alone(ops: Ops, new_jobs: NewJobs, engine: Engine) -> None:
    """They are counted with the reason; the others begin anew."""
    gone, there = new_jobs("ab")
    for job_id in (gone, there):
        end(engine, job_id, JobStatus.FAILED, ErrorCode.WORKER_LOST)
    drop_media(engine, gone)
    outcome = ops("requeue", "--all-failed", "--yes")
    assert outcome.code == 0
    assert outcome.err.startswith("1 job begins anew.\n1 job left alone: The media of this job have expired")
    assert states(engine) == {gone: JobStatus.FAILED, there: JobStatus.QUEUED}


@pytest.mark.parametrize("command", ["requeue", "cancel"])
def test_what_cannot_be_is_told_by_id(ops: Ops, new_jobs: NewJobs, engine: Engine, command: str) -> None:
    """Of several named jobs each that cannot be changed is told, and the others are changed."""
    right, wrong, erased = new_jobs("abc")
    if command == "requeue":
        end(engine, right, JobStatus.FAILED, ErrorCode.TIMEOUT)
    end(engine, wrong, JobStatus.SUCCEEDED)
    with engine.begin() as connection:
        connection.execute(update(Job).where(Job.id == erased).values(deleted_at=func.now()))
    outcome = ops(command, *map(str, (right, wrong, erased, UNKNOWN)), "--yes")
    assert outcome.code == 1
    lines = outcome.err.splitlines()
    assert lines[0].startswith(f"{wrong}: The job ")
    assert lines[1].startswith(f"{erased}: There is no job {erased}")
    assert lines[2].startswith(f"{UNKNOWN}: There is no job {UNKNOWN}")
    assert lines[3].startswith("1 job ")
    assert states(engine)[right] is (JobStatus.QUEUED if command == "requeue" else JobStatus.CANCELLED)
    assert states(engine)[wrong] is JobStatus.SUCCEEDED


def test_lost_messages_are_sent_again(ops: Ops, new_jobs: NewJobs, engine: Engine) -> None:
    """--stuck has the janitor send what was sent long ago, or of named jobs whatever is ready."""
    old, new = new_jobs("ab")
    assert ops("requeue", "--stuck").err == "0 messages for the janitor to send again.\n"
    assert sent(engine) == {old: True, new: True}
    assert ops("requeue", "--stuck", str(old)).err == "1 message for the janitor to send again.\n"
    assert sent(engine) == {old: False, new: True}
    lose_messages(engine, 60)
    outcome = ops("requeue", "--stuck", typed="y\n")
    assert outcome.err.endswith("2 messages for the janitor to send again.\n")
    assert sent(engine) == {old: False, new: False}
    outcome = ops("requeue", "--stuck", UNKNOWN)
    assert outcome.code == 1
    assert outcome.err.startswith(f"not_found: There is no job {UNKNOWN}")


def test_running_jobs_begin_anew_after_a_restore(
    ops: Ops, new_jobs: NewJobs, client: Client, engine: Engine
) -> None:
    """Those that had begun, and no other; what a worker still holds of them is not theirs any more."""
    running, queued, failed = new_jobs("abc")
    with engine.begin() as connection:
        connection.execute(update(Job).where(Job.id == running).values(status=JobStatus.RUNNING))
    end(engine, failed, JobStatus.FAILED, ErrorCode.WORKER_LOST)
    assert ops("requeue", "--running", "--all-failed").code == 2
    assert ops("requeue", str(running)).code == 1
    assert ops("requeue", "--running").err == "1 job begins anew.\n"
    document = client.get(f"/jobs/{running}").json
    assert (document["status"], document["attempt"]) == ("queued", 2)
    assert states(engine) == {
        running: JobStatus.QUEUED,
        queued: JobStatus.QUEUED,
        failed: JobStatus.FAILED,
    }
    assert sent(engine) == {running: False, queued: True}


def test_jobs_are_cancelled(ops: Ops, new_jobs: NewJobs, client: Client, engine: Engine) -> None:
    """As by POST /jobs/{id}/cancel, with all their work; again, it stays so."""
    job_id, other = new_jobs("ab")
    for _ in range(2):
        outcome = ops("cancel", str(job_id))
        assert (outcome.code, outcome.err) == (0, "1 job is cancelled.\n")
    assert client.get(f"/jobs/{job_id}").json["status"] == "cancelled"
    with Session(engine) as session:
        rows = {row.job_id: row.status for row in session.scalars(select(Stage))}
    assert rows == {job_id: WorkStatus.CANCELLED, other: WorkStatus.READY}


def test_jobs_are_cancelled_by_state_and_age(ops: Ops, new_jobs: NewJobs, engine: Engine) -> None:
    """All in a state, or all open ones that are old enough; it is asked before more than one."""
    running, queued, old = new_jobs("abc")
    with engine.begin() as connection:
        connection.execute(update(Job).where(Job.id == running).values(status=JobStatus.RUNNING))
        connection.execute(
            update(Job).where(Job.id == old).values(created_at=func.now() - timedelta(hours=2))
        )
    assert ops("cancel", "--older-than", "1h").err == "1 job is cancelled.\n"
    assert states(engine)[old] is JobStatus.CANCELLED
    assert ops("cancel", "--status", "running").err == "1 job is cancelled.\n"
    assert states(engine) == {
        running: JobStatus.CANCELLED,
        queued: JobStatus.QUEUED,
        old: JobStatus.CANCELLED,
    }
    new_jobs("d")
    both = ("cancel", "--status", "queued", "--status", "running")
    assert ops(*both, typed="n\n").code == 1
    assert ops(*both, "--yes").err == "2 jobs are cancelled.\n"
    assert set(states(engine).values()) == {JobStatus.CANCELLED}


def expire(engine: Engine, table: type[Job | Upload], row_id: UUID) -> None:
    """Let a row's time be over."""
    with engine.begin() as connection:
        connection.execute(
            update(table).where(table.id == row_id).values(expires_at=func.now() - timedelta(seconds=1))
        )


def test_what_expired_is_purged(
    ops: Ops, new_jobs: NewJobs, upload: SendUpload, engine: Engine, storage: Storage
) -> None:
    """The dry run says what would go and removes nothing; the purge removes it, and no more."""
    gone, stays = new_jobs("ab")
    for job_id in (gone, stays):
        end(engine, job_id, JobStatus.SUCCEEDED)
        storage.write(f"jobs/{job_id}/1/x", b"x")
    expire(engine, Job, gone)
    expire(engine, Upload, UUID(upload("alone")))
    orphan = f"jobs/{uuid4()}/1/x"
    storage.write(orphan, b"x")
    with storage.local(orphan) as path:
        os.utime(path, (0, 0))
    told = "1 job, 1 upload (72 B), 1 folder that no row knows.\n"
    outcome = ops("purge", "--dry-run")
    assert (outcome.code, outcome.out) == (0, f"Expired: {told}")
    assert set(states(engine)) == {gone, stays}
    assert ops("purge").err == f"Removed: {told}"
    assert set(states(engine)) == {stays}
    assert storage.names("jobs") == [str(stays)]
    assert ops("purge", "--expired", "--dry-run").out == "Expired: 0 jobs, 0 uploads (0 B).\n"


def test_old_jobs_are_erased_before_their_time(
    ops: Ops, new_jobs: NewJobs, predict: Predict, engine: Engine, storage: Storage
) -> None:
    """What ended long enough ago goes with its media, unless another job has them; the rest stays."""
    old, shared_media, new, unfinished = new_jobs("abcd")
    with Session(engine) as session:
        video_id = str(session.get_one(Job, shared_media).video_id)
    user = job_id_of(predict(video_id=video_id, fusion="late"))
    for job_id, age_s in ((old, 90_000), (shared_media, 90_000), (new, 60)):
        end(engine, job_id, JobStatus.SUCCEEDED, None, age_s)
        storage.write(f"jobs/{job_id}/1/x", b"x")
    outcome = ops("purge", "--older-than", "1d", "--dry-run")
    assert outcome.out.startswith("Ended 1 d ago or earlier: 2 jobs, 1 upload (")
    assert len(states(engine)) == 5
    assert ops("purge", "--older-than", "1d", typed="n\n").code == 1
    assert len(states(engine)) == 5
    assert ops("purge", "--older-than", "1d", "--yes").err == "2 jobs erased.\n"
    assert set(states(engine)) == {new, unfinished, user}
    assert storage.names("jobs") == [str(new)]
    with Session(engine) as session:
        assert len(session.scalars(select(Upload)).all()) == 3
    assert len(storage.names("uploads")) == 3


def test_storage_that_is_elsewhere_is_not_taken_for_empty(
    ops: Ops, new_jobs: NewJobs, engine: Engine
) -> None:
    """Where the service's files cannot be seen nothing is erased, and no folder is made."""
    [job_id] = new_jobs("a")
    end(engine, job_id, JobStatus.SUCCEEDED, None, 90_000)
    for arguments in (("--older-than", "1d"), ()):
        outcome = ops("purge", *arguments, data_dir="nowhere")
        assert outcome.code == 1
        assert "AVEMOTION_STORAGE_URL is not set" in outcome.err
    assert states(engine) == {job_id: JobStatus.SUCCEEDED}
