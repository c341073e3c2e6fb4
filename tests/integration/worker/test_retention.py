"""Artifacts that go before their jobs, and what makes room when storage holds more than it may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from shared.database import transact
from shared.tables import Job, JobStatus, Stage, Upload
from tests.integration.worker.conftest import NewJob
from worker.metrics.janitor import REMOVED_BYTES, STORED
from worker.purge import tidy_jobs
from worker.retention import Retention, count_stored, retain
from worker.toolkit import Toolkit

MEDIA_BYTES, ARTIFACT_BYTES = 1000, 100

Ended = Callable[..., UUID]


@pytest.fixture
def ended(kit: Toolkit, new_job: NewJob) -> Ended:
    """Make a job that succeeded so many hours ago, by media that were last used then; it has one table."""

    def make(hours: float, **job: Any) -> UUID:
        job_id = new_job()
        key = f"jobs/{job_id}/1/0000/faces-1/faces.csv"
        kit.storage.write(key, b"x" * ARTIFACT_BYTES)
        moment = datetime.now(UTC) - timedelta(hours=hours)
        values = {"status": JobStatus.SUCCEEDED, "finished_at": moment, "summary": {"emotion": "joy"}, **job}
        life = timedelta(seconds=kit.settings.upload_ttl_s)
        transact(kit.engine, lambda s: s.execute(update(Job).where(Job.id == job_id).values(**values)))
        named = update(Stage).where(Stage.job_id == job_id).values(output={"faces_csv": key})
        transact(kit.engine, lambda s: s.execute(named))
        video_id = read(kit, job_id).video_id
        used = update(Upload).where(Upload.id == video_id)
        stored = used.values(size_bytes=MEDIA_BYTES, expires_at=moment + life)
        transact(kit.engine, lambda s: s.execute(stored))
        tidy_jobs(kit)
        return job_id

    return make


def read(kit: Toolkit, job_id: UUID) -> Job:
    return transact(kit.engine, lambda session: session.get_one(Job, job_id))


def limited(kit: Toolkit, **settings: Any) -> Toolkit:
    return Toolkit(kit.settings.model_copy(update=settings), kit.engine, kit.storage)


def has_media(kit: Toolkit, job_id: UUID) -> bool:
    return read(kit, job_id).video_id is not None


def has_artifacts(kit: Toolkit, job_id: UUID) -> bool:
    """Tell whether the rows and the storage say so; they must agree."""
    there = bool(kit.storage.keys(f"jobs/{job_id}"))
    job = read(kit, job_id)
    assert there == bool(job.artifact_bytes) == (job.artifacts_dropped_at is None)
    return there


def test_what_is_stored_is_known_from_rows(kit: Toolkit, ended: Ended) -> None:
    """Media and artifacts are counted without a look at storage."""
    ended(2)
    ended(3)

    assert transact(kit.engine, count_stored) == (2 * MEDIA_BYTES, 2 * ARTIFACT_BYTES)


def test_room_is_made_by_what_was_used_longest_ago(kit: Toolkit, ended: Ended) -> None:
    """Media and artifacts go in the order of their last use, only until it is enough; results stay."""
    new, oldest, old = ended(2), ended(9), ended(5)
    before = REMOVED_BYTES.labels("upload")._value.get()

    with capture_logs() as logs:
        retain(limited(kit, storage_limit_bytes=2 * MEDIA_BYTES + ARTIFACT_BYTES))

    assert not has_media(kit, oldest)
    assert not has_artifacts(kit, oldest)
    assert has_media(kit, old)
    assert not has_artifacts(kit, old)
    assert has_media(kit, new)
    assert has_artifacts(kit, new)
    assert {read(kit, job).summary["emotion"] for job in (new, oldest, old)} == {"joy"}  # type: ignore[index]
    assert len(kit.storage.names("uploads")) == 2
    assert STORED.labels("uploads")._value.get() == 2 * MEDIA_BYTES
    assert STORED.labels("artifacts")._value.get() == ARTIFACT_BYTES
    assert REMOVED_BYTES.labels("upload")._value.get() - before == MEDIA_BYTES
    told = {line.get("job_id", line.get("upload_id")) for line in logs if line["reason"] == "size"}
    assert {str(oldest), str(old)} < told
    assert len(told) == 3


def test_nothing_goes_without_a_limit_or_below_it(kit: Toolkit, ended: Ended) -> None:
    """By itself nothing is removed, however old."""
    job_id = ended(1000)
    for limit_bytes in (None, MEDIA_BYTES + ARTIFACT_BYTES):
        retain(limited(kit, storage_limit_bytes=limit_bytes))
        assert has_media(kit, job_id)
        assert has_artifacts(kit, job_id)


def test_media_of_open_jobs_never_go(kit: Toolkit, ended: Ended) -> None:
    """What a job that has not ended needs stays, however full the storage is; the log says so."""
    waiting = ended(9, status=JobStatus.QUEUED, finished_at=None)
    kit.storage.write(f"jobs/{waiting}/1/0000/faces-1/crops.npy", b"x")

    with capture_logs() as logs:
        retain(limited(kit, storage_limit_bytes=1))

    assert has_media(kit, waiting)
    assert len(kit.storage.keys(f"jobs/{waiting}")) == 2
    assert logs[-1]["event"] == "more is stored than may be, and all of it is in use"


def test_media_of_an_open_job_stay_for_all_who_had_them(kit: Toolkit, ended: Ended) -> None:
    """An old job's media that an open job uses too are needed."""
    old, waiting = ended(9), ended(9, status=JobStatus.RUNNING, finished_at=None)
    shared = update(Job).where(Job.id == waiting).values(video_id=read(kit, old).video_id)
    transact(kit.engine, lambda session: session.execute(shared))

    retain(limited(kit, storage_limit_bytes=1))

    assert has_media(kit, old)
    assert not has_artifacts(kit, old)


def test_what_was_just_used_stays(kit: Toolkit, ended: Ended) -> None:
    """Media that were sent or used within the hour, and artifacts of that age, wait for whoever sent them."""
    job_id = ended(0.5)

    retain(limited(kit, storage_limit_bytes=1))

    assert has_media(kit, job_id)
    assert has_artifacts(kit, job_id)


def test_artifacts_may_have_a_shorter_life(kit: Toolkit, ended: Ended) -> None:
    """Pictures and tables of older jobs go; their results and media stay."""
    old, new = ended(5), ended(2)

    retain(limited(kit, artifact_ttl_s=4 * 3600))

    assert not has_artifacts(kit, old)
    assert has_artifacts(kit, new)
    assert has_media(kit, old)
    assert read(kit, old).summary == {"emotion": "joy"}


def test_a_removal_that_was_cut_off_is_finished(kit: Toolkit, ended: Ended) -> None:
    """A janitor that was killed after its mark left files and a row that says so; the next one goes on."""
    job_id = ended(2)
    marked = update(Job).where(Job.id == job_id).values(artifacts_dropped_at=datetime.now(UTC))
    transact(kit.engine, lambda session: session.execute(marked))

    retain(kit)

    assert not has_artifacts(kit, job_id)


def test_more_than_a_round_is_removed(kit: Toolkit, ended: Ended, monkeypatch: pytest.MonkeyPatch) -> None:
    """Room is made until it is enough, in as many rounds as that takes."""
    monkeypatch.setattr("worker.retention.ROUND_ROWS", 2)
    for hours in range(2, 7):
        ended(hours)

    retain(limited(kit, storage_limit_bytes=1))

    assert kit.storage.names("uploads") == []
    assert transact(kit.engine, count_stored).total == 0
    assert transact(kit.engine, lambda s: len(s.scalars(select(Job.id)).all())) == 5


def test_a_janitor_makes_room_now_and_then(kit: Toolkit, ended: Ended) -> None:
    """Between two looks there is a pause."""
    full, retention = limited(kit, storage_limit_bytes=1), Retention()
    first = ended(2)
    retention.advance(full)
    second = ended(2)
    retention.advance(full)

    assert not has_media(kit, first)
    assert has_media(kit, second)
