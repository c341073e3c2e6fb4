"""``ops purge`` on storage and database that do not agree."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from shared.storage import Storage
from shared.tables import Job, JobStatus, Upload
from tests.integration.api.conftest import Client
from tests.integration.ops.conftest import NewJobs, Ops, end
from worker.leftovers import FEW


def video_of(engine: Engine, job_id: UUID) -> str:
    with Session(engine) as session:
        return str(session.get_one(Job, job_id).video_id)


def test_an_upload_without_a_file_is_told_and_removed(
    ops: Ops, new_jobs: NewJobs, client: Client, engine: Engine, storage: Storage
) -> None:
    """The dry run counts it; after the purge the job that had it keeps its result, and open jobs theirs."""
    ended, waiting = new_jobs("ab")
    end(engine, ended, JobStatus.SUCCEEDED)
    for job_id in (ended, waiting):
        storage.delete(f"uploads/{video_of(engine, job_id)}")
    lost = video_of(engine, ended)

    assert ops("purge", "--dry-run").out == "Expired: 0 jobs, 0 uploads (0 B), 2 uploads without a file.\n"
    assert ops("purge").err == "Removed: 0 jobs, 0 uploads (0 B), 1 upload without a file.\n"

    with Session(engine) as session:
        assert session.get(Upload, UUID(lost)) is None
    assert video_of(engine, waiting) != "None", "its job is going to say so"
    assert client.get(f"/jobs/{ended}").json["status"] == "succeeded"
    assert client.get(f"/jobs/{ended}/media/video").json["code"] == "media_missing"


def test_an_empty_storage_is_asked_about(
    ops: Ops, new_jobs: NewJobs, engine: Engine, storage: Storage
) -> None:
    """If most files are missing it says what may be wrong, and removes nothing without a yes."""
    jobs = new_jobs("abcdefghijklmnop"[: FEW + 1])
    for job_id in jobs:
        end(engine, job_id, JobStatus.SUCCEEDED)
        storage.delete(f"uploads/{video_of(engine, job_id)}")

    for arguments in (("purge", "--dry-run"), ("purge",)):
        outcome = ops(*arguments, typed="n\n")
        assert f"the files of {FEW + 1} of {FEW + 1} uploads and jobs are missing" in outcome.err
    assert outcome.code == 1
    assert {video_of(engine, job_id) for job_id in jobs} != {"None"}

    assert ops("purge", "--yes").code == 0
    assert {video_of(engine, job_id) for job_id in jobs} == {"None"}
