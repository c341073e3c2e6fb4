"""Files without rows and rows without files, in a real folder and in an object store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from shared.database import transact
from shared.settings import Settings
from shared.storage_choice import storage_of
from shared.tables import Job, JobStatus, Stage, Upload
from tests.integration.worker.conftest import NewJob
from tests.object_store import ObjectStore
from worker.leftovers import FEW
from worker.purge import tidy_jobs
from worker.sweep import Sweeper, put_right, survey, sweep
from worker.toolkit import Toolkit

PAST = datetime.now(UTC) - timedelta(hours=1)
LONG_S = 10_000

Age = Callable[[], None]


@pytest.fixture(params=["folder", "object store"])
def store(request: pytest.FixtureRequest) -> Iterator[ObjectStore | None]:
    """An object store, or none: then storage is a folder."""
    if request.param == "folder":
        yield None
        return
    with ObjectStore() as store:
        yield store


@pytest.fixture
def kit(kit: Toolkit, store: ObjectStore | None, tmp_path: Path) -> Toolkit:
    """The worker's toolkit with either kind of storage."""
    if store is None:
        return kit
    settings = Settings(**kit.settings.model_dump() | store.settings(scratch_dir=tmp_path))
    return Toolkit(settings, kit.engine, storage_of(settings))


@pytest.fixture
def age(kit: Toolkit, store: ObjectStore | None) -> Age:
    """Let every file in storage have been written long ago."""

    def write_back() -> None:
        if store is not None:
            store.age(LONG_S)
            return
        for path in (kit.settings.data_dir / "storage").rglob("*"):
            os.utime(path, (0, 0))

    return write_back


@pytest.fixture
def scored(kit: Toolkit, new_job: NewJob) -> Callable[[], UUID]:
    """Make a job that succeeded an hour ago, with a table of four bytes, and tidy it."""

    def make() -> UUID:
        job_id = new_job()
        key = f"jobs/{job_id}/1/0000/faces-1/faces.csv"
        kit.storage.write(key, b"a,b\n")
        named = update(Stage).where(Stage.job_id == job_id).values(output={"faces_csv": key})
        ended = update(Job).where(Job.id == job_id).values(status=JobStatus.SUCCEEDED, finished_at=PAST)
        transact(kit.engine, lambda session: session.execute(named))
        transact(kit.engine, lambda session: session.execute(ended))
        tidy_jobs(kit)
        return job_id

    return make


def read_job(kit: Toolkit, job_id: UUID) -> Job:
    return transact(kit.engine, lambda session: session.get_one(Job, job_id))


def uploads(kit: Toolkit) -> set[UUID]:
    return set(transact(kit.engine, lambda session: session.scalars(select(Upload.id)).all()))


def test_files_that_no_row_knows_are_swept_up(kit: Toolkit, new_job: NewJob, age: Age) -> None:
    """Of jobs, uploads, files that were never taken in and probes, what no row knows goes; the rest stays."""
    job_id, ghost = new_job(), uuid4()
    for place in (f"jobs/{job_id}/1/x", f"jobs/{ghost}/1/x", f"jobs/{ghost}/1/0000/faces-1/crops.npy"):
        kit.storage.write(place, b"x")
    for prefix in ("uploads", "incoming", "probe"):
        kit.storage.write(f"{prefix}/{ghost}", b"x")
    age()

    sweep(kit)

    assert kit.storage.names("jobs") == [str(job_id)]
    assert kit.storage.names("uploads") == [str(read_job(kit, job_id).video_id)]
    assert kit.storage.names("incoming") == kit.storage.names("probe") == []
    assert survey(kit).orphans == []


def test_what_was_just_written_is_left_alone(kit: Toolkit) -> None:
    """A file without a row that is young stays, also one of many in an old folder."""
    for place in (f"jobs/{uuid4()}/1/x", f"uploads/{uuid4()}", f"incoming/{uuid4()}", f"probe/{uuid4()}"):
        kit.storage.write(place, b"x")

    sweep(kit)

    for prefix in ("jobs", "uploads", "incoming", "probe"):
        assert len(kit.storage.names(prefix)) == 1, prefix


def test_what_an_operator_keeps_beside_is_left_alone(kit: Toolkit, age: Age) -> None:
    """Names that are no ids are not ours, and do not stop the sweep."""
    ghost = f"uploads/{uuid4()}"
    for place in ("uploads/notes.txt", "jobs/lost-found/x", ghost):
        kit.storage.write(place, b"x")
    age()

    sweep(kit)

    assert kit.storage.names("uploads") == ["notes.txt"]
    assert kit.storage.names("jobs") == ["lost-found"]


def test_a_file_that_a_killed_worker_left_in_a_tidy_job_goes(
    kit: Toolkit, scored: Callable[[], UUID], age: Age
) -> None:
    """In the folder of a job that ended and was tidied only its artifacts stay."""
    job_id = scored()
    late = f"jobs/{job_id}/1/0000/faces-2/crops.npy"
    kit.storage.write(late, b"x" * 9)

    sweep(kit)
    assert kit.storage.exists(late), "it is young"
    age()
    sweep(kit)

    assert kit.storage.keys(f"jobs/{job_id}") == [f"jobs/{job_id}/1/0000/faces-1/faces.csv"]
    assert read_job(kit, job_id).artifact_bytes == 4


def test_files_of_open_jobs_stay(kit: Toolkit, new_job: NewJob, age: Age) -> None:
    """Whatever lies in the folder of a job that has not ended, or is not tidied, may be needed."""
    job_id = new_job()
    kit.storage.write(f"jobs/{job_id}/1/0000/faces-1/crops.npy", b"x")
    age()

    sweep(kit)

    assert len(kit.storage.keys(f"jobs/{job_id}")) == 1


def test_an_upload_whose_file_is_gone_goes(kit: Toolkit, scored: Callable[[], UUID]) -> None:
    """Its row goes, so that the same bytes are stored anew; the job that had it keeps its result."""
    job_id, other = scored(), scored()
    lost, there = read_job(kit, job_id).video_id, read_job(kit, other).video_id
    kit.storage.delete(f"uploads/{lost}")

    assert survey(kit).lost_uploads == [lost]
    sweep(kit)

    assert uploads(kit) == {there}
    job = read_job(kit, job_id)
    assert (job.status, job.video_id, job.artifact_bytes) == (JobStatus.SUCCEEDED, None, 4)


def test_an_upload_that_an_open_job_needs_is_not_forgotten(kit: Toolkit, new_job: NewJob) -> None:
    """The row stays until the job has ended, which says what it lacks."""
    job_id = new_job()
    video_id = read_job(kit, job_id).video_id
    kit.storage.delete(f"uploads/{video_id}")

    sweep(kit)

    assert uploads(kit) == {video_id}


def test_an_upload_that_came_back_stays(kit: Toolkit, scored: Callable[[], UUID]) -> None:
    """Between looking and acting the file may be there again: the last look is under the row's lock."""
    video_id = read_job(kit, scored()).video_id
    kit.storage.delete(f"uploads/{video_id}")
    found = survey(kit)
    kit.storage.write(f"uploads/{video_id}", b"x")

    list(put_right(kit, found))

    assert uploads(kit) == {video_id}


def test_a_job_whose_artifacts_are_gone_keeps_its_result(kit: Toolkit, scored: Callable[[], UUID]) -> None:
    """It is marked, so that nobody is promised what is not there; a second sweep finds nothing more."""
    job_id, other = scored(), scored()
    kit.storage.delete_tree(f"jobs/{job_id}")

    assert survey(kit).lost_artifacts == [job_id]
    sweep(kit)

    job = read_job(kit, job_id)
    assert (job.status, job.artifact_bytes) == (JobStatus.SUCCEEDED, 0)
    assert job.artifacts_dropped_at is not None
    assert read_job(kit, other).artifacts_dropped_at is None
    assert survey(kit).lost_artifacts == []


def test_jobs_of_the_release_before_are_measured(kit: Toolkit, scored: Callable[[], UUID]) -> None:
    """The size of artifacts that nobody measured is found by the sweep."""
    job_id = scored()
    unknown = update(Job).values(artifact_bytes=None)
    transact(kit.engine, lambda session: session.execute(unknown))

    sweep(kit)

    assert read_job(kit, job_id).artifact_bytes == 4


def test_an_empty_storage_is_not_believed(kit: Toolkit, scored: Callable[[], UUID]) -> None:
    """If most files are missing, nothing is removed and the log says so: the wrong folder may be mounted."""
    ids = {read_job(kit, scored()).video_id for _ in range(FEW)}
    for prefix in ("uploads", "jobs"):
        for name in kit.storage.names(prefix):
            kit.storage.delete_tree(f"{prefix}/{name}")

    with capture_logs() as logs:
        sweep(kit)

    assert uploads(kit) == ids
    assert [line["log_level"] for line in logs] == ["error"]
    assert f"{2 * FEW} of {2 * FEW}" in logs[0]["reason"]


def test_an_empty_database_is_not_believed(kit: Toolkit, age: Age) -> None:
    """If no row knows most of the files, they stay: they may be those of another service."""
    for _ in range(FEW + 1):
        kit.storage.write(f"uploads/{uuid4()}", b"x")
    age()

    sweep(kit)

    assert len(kit.storage.names("uploads")) == FEW + 1


def test_a_janitor_sweeps_in_steps_and_then_waits(kit: Toolkit, age: Age) -> None:
    """Each round does a step; when the sweep is over the next one begins after the pause, not before."""
    kit = Toolkit(kit.settings.model_copy(update={"sweep_every_s": 3600}), kit.engine, kit.storage)
    sweeper = Sweeper()
    kit.storage.write(f"uploads/{uuid4()}", b"x")
    age()

    for _ in range(20):
        sweeper.advance(kit)
    assert kit.storage.names("uploads") == []

    kit.storage.write(f"uploads/{uuid4()}", b"x")
    age()
    for _ in range(20):
        sweeper.advance(kit)
    assert len(kit.storage.names("uploads")) == 1


def test_more_than_a_step_is_compared_once_each(
    kit: Toolkit, scored: Callable[[], UUID], age: Age, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows and files are matched across the borders of steps: none is missed and none is told twice."""
    monkeypatch.setattr("worker.leftovers.STEP", 2)
    jobs = [scored() for _ in range(7)]
    videos = [read_job(kit, job_id).video_id for job_id in jobs]
    for lost in (videos[0], videos[3], videos[6]):
        kit.storage.delete(f"uploads/{lost}")
    ghosts = sorted(uuid4() for _ in range(3))
    for ghost in ghosts:
        kit.storage.write(f"uploads/{ghost}", b"x")
    age()

    found = survey(kit)

    assert sorted(found.lost_uploads, key=str) == sorted([videos[0], videos[3], videos[6]], key=str)
    assert sorted(found.orphans) == [f"uploads/{ghost}" for ghost in ghosts]
    assert found.lost_artifacts == []
    assert (found.trees, found.rows) == (7 + 4 + 3, 7 + 7)


def test_a_listing_of_several_pages(kit: Toolkit, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an object store tells in pages comes whole, in order, with sizes."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    names = [f"jobs/{uuid4()}/1/{part}" for part in ("a", "bb") for _ in range(3)]
    for name in names:
        kit.storage.write(name, name[-1:].encode() * len(name))

    trees = list(kit.storage.trees("jobs"))

    assert [entry.key for tree in trees for entry in tree.entries] == sorted(names)
    assert all(entry.size_bytes == len(entry.key) for tree in trees for entry in tree.entries)
