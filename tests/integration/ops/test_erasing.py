"""What an operator takes out of a service, whoever made it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from shared.errors import ErrorCode
from shared.keys import create_key
from shared.storage import Storage
from shared.tables import Batch, Job, JobStatus, Upload
from tests.integration.api.conftest import Predict, job_id_of, video
from tests.integration.api.conftest import Upload as SendUpload
from tests.integration.ops.conftest import NewJobs, Ops, drop_media, end, states

UNKNOWN = "0198c0de-0000-7000-8000-000000000001"


def media_of(engine: Engine, job_id: UUID) -> UUID:
    """Return the id of a job's video."""
    with Session(engine) as session:
        found = session.get_one(Job, job_id).video_id
    assert found is not None
    return found


def give(engine: Engine, owner: UUID, *job_ids: UUID, age_days: int = 0) -> None:
    """Let jobs and their media have been made with a key, some days ago."""
    made = {"owner_id": owner, "created_at": func.now() - timedelta(days=age_days)}
    with engine.begin() as connection:
        for job_id in job_ids:
            connection.execute(update(Upload).where(Upload.id == media_of(engine, job_id)).values(**made))
            connection.execute(update(Job).where(Job.id == job_id).values(**made))


def new_key(engine: Engine) -> UUID:
    """Make a key and return its id."""
    with Session(engine) as session, session.begin():
        return create_key(session, "lab")[0]


def uploads(engine: Engine) -> set[UUID]:
    """Return the ids of all uploads."""
    with Session(engine) as session:
        return set(session.scalars(select(Upload.id)))


def test_a_job_is_erased_with_its_media(
    ops: Ops, new_jobs: NewJobs, engine: Engine, storage: Storage
) -> None:
    """Rows, files and media go, of a running job too; others stay."""
    gone, stays = new_jobs("ab")
    media = media_of(engine, gone)
    storage.write(f"jobs/{gone}/1/x", b"x")
    assert ops("erase", str(gone), "--dry-run").out == "Would go: 1 job, 1 upload (40 B).\n"
    assert set(states(engine)) == {gone, stays}

    outcome = ops("erase", str(gone), "--yes")
    assert (outcome.code, outcome.err) == (0, "Erased: 1 job, 1 upload (40 B).\n")
    assert set(states(engine)) == {stays}
    assert media not in uploads(engine)
    assert not storage.exists(f"uploads/{media}")
    assert storage.names("jobs") == []
    outcome = ops("erase", str(gone))
    assert outcome.code == 1
    assert outcome.err.startswith(f"not_found: There is no job {gone}")


def test_media_that_another_job_has_stay_unless_told_otherwise(
    ops: Ops, new_jobs: NewJobs, predict: Predict, engine: Engine, storage: Storage
) -> None:
    """--same-media takes along all jobs and uploads of these bytes, of other owners too."""
    first, stays = new_jobs("ab")
    media = media_of(engine, first)
    second = job_id_of(predict(video_id=str(media), fusion="late"))
    assert ops("erase", str(first), "--yes").err == "Erased: 1 job, 0 uploads (0 B).\n"
    assert storage.exists(f"uploads/{media}")
    predict(video_id=str(media), stride_s=1)

    owner = new_key(engine)
    with Session(engine) as session, session.begin():
        kept = session.get_one(Upload, media)
        copy = Upload(
            owner_id=owner,
            **{
                name: getattr(kept, name)
                for name in ("kind", "state", "media_type", "demuxer", "size_bytes", "sha256", "expires_at")
            },
        )
        session.add(copy)
        session.flush()
        copy_id = copy.id
    storage.write(f"uploads/{copy_id}", video("a"))
    outcome = ops("erase", str(second), "--same-media", "--yes")
    assert outcome.err == "Erased: 2 jobs, 2 uploads (80 B).\n"
    assert set(states(engine)) == {stays}
    assert uploads(engine) == {media_of(engine, stays)}
    assert storage.names("uploads") == [str(media_of(engine, stays))]


def test_what_a_key_made_lately_is_erased(
    ops: Ops, new_jobs: NewJobs, upload: SendUpload, engine: Engine, storage: Storage
) -> None:
    """Of the last days only with --since, with uploads that no job has; all of it without, batches too."""
    old, new, others = new_jobs("abc")
    key = new_key(engine)
    give(engine, key, old, age_days=9)
    give(engine, key, new)
    alone = UUID(upload("alone"))
    with Session(engine) as session, session.begin():
        session.execute(update(Upload).where(Upload.id == alone).values(owner_id=key))
        session.add(Batch(owner_id=key))
    assert ops("erase", "--owner", str(key), "--since", "2d", typed="n\n").code == 1
    assert len(states(engine)) == 3

    outcome = ops("erase", "--owner", str(key), "--since", "2d", "--yes")
    assert outcome.err == f"Erased: 1 job, 2 uploads ({40 + 72} B).\n"
    assert set(states(engine)) == {old, others}
    assert uploads(engine) == {media_of(engine, old), media_of(engine, others)}

    assert ops("erase", "--owner", str(key), "--yes").err == "Erased: 1 job, 1 upload (40 B).\n"
    assert set(states(engine)) == {others}
    assert len(storage.names("uploads")) == 1
    with Session(engine) as session:
        assert all(batch.deleted_at is not None for batch in session.scalars(select(Batch)))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--owner"),
        ((UNKNOWN, "--owner", UNKNOWN), "--owner"),
        (("--owner", UNKNOWN, "--same-media"), "--same-media"),
        ((UNKNOWN, "--since", "2d"), "--since"),
    ],
)
def test_what_to_erase_must_be_said(ops: Ops, arguments: tuple[str, ...], told: str) -> None:
    """Ids or an owner, and what goes with each."""
    outcome = ops("erase", *arguments)
    assert outcome.code == 2
    assert told in outcome.err


def test_media_are_shown_and_copied_out(
    ops: Ops, predict: Predict, engine: Engine, storage: Storage, tmp_path: Path
) -> None:
    """Under their id, for nobody else to read; nothing is overwritten, nothing damaged passed on."""
    job_id = job_id_of(predict())
    media = media_of(engine, job_id)
    predict(video_id=str(media), fusion="late")
    line = ops("media", str(job_id)).out
    assert line.split()[:5] == [str(media), "video", "video/mp4", "32", "B"]
    assert line.endswith("of 2 jobs\n")

    folder = tmp_path / "report"
    outcome = ops("media", str(job_id), "--to", str(folder))
    copy = folder / f"{media}.upload"
    assert outcome.err == f"Copied to {copy}.\n"
    assert copy.read_bytes() == video()
    assert copy.stat().st_mode & 0o077 == 0
    outcome = ops("media", str(job_id), "--to", str(folder))
    assert outcome.code == 1
    assert outcome.err == f"conflict: {copy} is there already; nothing is overwritten.\n"

    copy.unlink()
    storage.write(f"uploads/{media}", b"damaged")
    assert ops("media", str(job_id), "--to", str(folder)).err.startswith("media_missing: ")
    storage.delete(f"uploads/{media}")
    assert ops("media", str(job_id), "--to", str(folder)).code == 1
    assert list(folder.iterdir()) == []
    drop_media(engine, job_id)
    assert ops("media", str(job_id)).err.startswith(f"media_missing: The media of job {job_id} have expired.")
    assert ops("media", str(uuid4())).err.startswith("not_found: ")


def test_only_what_failed_lately_begins_anew(ops: Ops, new_jobs: NewJobs, engine: Engine) -> None:
    """--since narrows down what is requeued by its code; with ids it is refused."""
    early, late = new_jobs("ab")
    end(engine, early, JobStatus.FAILED, ErrorCode.INTERNAL_ERROR, age_s=7200)
    end(engine, late, JobStatus.FAILED, ErrorCode.INTERNAL_ERROR, age_s=60)
    assert ops("requeue", "--code", "internal_error", "--since", "1h").err == "1 job begins anew.\n"
    assert states(engine) == {early: JobStatus.FAILED, late: JobStatus.QUEUED}
    for wrong in ((str(early), "--since", "1h"), ("--stuck", "--since", "1h"), ("--since", "1h")):
        assert ops("requeue", *wrong).code == 2


def test_what_a_key_made_is_shown(ops: Ops, new_jobs: NewJobs, engine: Engine) -> None:
    """Jobs by state or error, uploads, and when; lists and cancelling can be narrowed down to it."""
    key = new_key(engine)
    assert ops("keys", "show", str(key)).rows[-1] == ["last", "made", "nothing"]
    failed, queued, others = new_jobs("abc")
    give(engine, key, failed, age_days=2)
    give(engine, key, queued)
    end(engine, failed, JobStatus.FAILED, ErrorCode.NO_SOUND)
    rows = ops("keys", "show", str(key)).rows
    assert rows[0] == ["key", f"{key},", "lab"]
    assert rows[1][:2] == ["state", "valid,"]
    assert sorted(" ".join(rows[2][1:]).split(", ")) == ["1 no_sound", "1 queued"]
    assert rows[3] == ["uploads", "2", "uploads", "(80", "B)"]
    assert rows[4] == ["first", "made", "2", "d", "ago"]
    assert [line["job_id"] for line in ops("jobs", "--owner", str(key), "--since", "1d", "--json").json] == [
        str(queued)
    ]
    assert ops("cancel", "--owner", str(key)).err == "1 job is cancelled.\n"
    assert states(engine)[others] is JobStatus.QUEUED
    assert ops("keys", "show", UNKNOWN).err.startswith(f"not_found: There is no key {UNKNOWN}")
