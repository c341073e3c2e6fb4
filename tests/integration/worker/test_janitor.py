"""What the janitor sends and what it removes, against real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from celery import Celery
from sqlalchemy import Engine, select, update

from client.stack.valkey import EmbeddedValkey
from shared.backlog import unsent
from shared.database import transact
from shared.queue import broker, make_celery, queue_lengths
from shared.settings import Settings
from shared.tables import Job, JobStatus, Stage, StageName, Upload, UploadKind, UploadState
from tests.integration.worker.conftest import NewJob
from tests.servers import Server
from worker.dispatch import send_lost, send_ready
from worker.lease import Claim
from worker.purge import drop_uploads, erase_expired, tidy_jobs
from worker.toolkit import Toolkit

PAST = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def queue(kit: Toolkit, tmp_path: Path) -> Iterator[tuple[Toolkit, Celery]]:
    """A toolkit with a real, empty Valkey."""
    valkey = EmbeddedValkey(tmp_path / "valkey")
    server = Server(valkey.process(), tmp_path / "valkey.log")
    server.start()
    settings = kit.settings.model_copy(update={"broker_url": valkey.url})
    yield Toolkit(settings, kit.engine, kit.storage), make_celery(settings)
    server.kill()


def waiting(kit: Toolkit) -> dict[str, int]:
    return {name: length for name, length in queue_lengths(kit.settings).items() if length}


def age_messages(engine: Engine) -> None:
    transact(engine, lambda s: s.execute(update(Stage).values(published_at=PAST)))


def test_a_message_is_sent_once(queue: tuple[Toolkit, Celery], ingested: Callable[..., list[UUID]]) -> None:
    """Unsent stages are sent, marked, and not sent again."""
    kit, app = queue
    ingested(duration_s=6, segment_s=2)

    assert send_ready(kit.engine, app, unsent()) == 3
    assert send_ready(kit.engine, app, unsent()) == 0

    assert waiting(kit) == {"media.interactive.faces": 3}


def test_work_of_an_analyzer_goes_to_its_queue(
    queue: tuple[Toolkit, Celery], ingested: Callable[..., list[UUID]]
) -> None:
    """Faces that OpenFace must see are sent, and sent again when lost, to its own queue."""
    kit, app = queue
    ingested(duration_s=6, segment_s=2)
    transact(kit.engine, lambda session: session.execute(update(Job).values(analyzer="openface")))

    assert send_ready(kit.engine, app, unsent()) == 3
    assert waiting(kit) == {"media.interactive.faces.openface": 3}

    broker(kit.settings).flushall()
    age_messages(kit.engine)
    assert send_lost(kit, app) == 3
    assert waiting(kit) == {"media.interactive.faces.openface": 3}


def test_what_the_broker_does_not_take_stays_unsent(
    kit: Toolkit, ingested: Callable[..., list[UUID]]
) -> None:
    """Without a broker nothing is marked as sent, so that the next round tries again."""
    ingested()
    nowhere = make_celery(Settings(broker_url="redis://127.0.0.1:1/0"))

    assert send_ready(kit.engine, nowhere, unsent()) == 0

    still = select(Stage.id).where(unsent(), Stage.name == StageName.FACES)
    assert len(transact(kit.engine, lambda s: s.scalars(still).all())) == 1


def test_a_lost_message_is_sent_again(queue: tuple[Toolkit, Celery], new_job: NewJob) -> None:
    """A ready stage whose message is old and not in the queue gets another."""
    kit, app = queue
    new_job()
    assert send_lost(kit, app) == 0
    age_messages(kit.engine)

    assert send_lost(kit, app) == 1
    assert send_lost(kit, app) == 0

    assert waiting(kit) == {"media.interactive.ingest": 1}


def test_a_long_queue_is_not_made_longer(
    queue: tuple[Toolkit, Celery], new_job: NewJob, take: Callable[[StageName, UUID], Claim]
) -> None:
    """While a queue holds a message for every ready stage, or more, old ones are not lost but wait."""
    kit, app = queue
    jobs = [new_job() for _ in range(5)]
    age_messages(kit.engine)
    assert send_lost(kit, app) == 5
    age_messages(kit.engine)

    assert send_lost(kit, app) == 0
    take(StageName.INGEST, jobs[0])
    assert send_lost(kit, app) == 0

    assert waiting(kit) == {"media.interactive.ingest": 5}


def end(kit: Toolkit, job_id: UUID, status: JobStatus) -> None:
    ended = update(Job).where(Job.id == job_id).values(status=status, finished_at=PAST)
    transact(kit.engine, lambda s: s.execute(ended))


def test_artifacts_outlive_the_files_between_stages(
    kit: Toolkit, ingested: Callable[..., list[UUID]], take: Callable[[StageName, UUID], Claim]
) -> None:
    """Of a job that succeeded only what clients may fetch is kept."""
    (segment,) = ingested()
    claim = take(StageName.FACES, segment)
    keep, drop = f"jobs/{claim.job_id}/1/faces.csv", f"jobs/{claim.job_id}/1/crops.npy"
    for key in (keep, drop):
        kit.storage.write(key, b"x")
    output = {"faces_csv": keep, "crops": {"key": drop}}
    transact(kit.engine, lambda s: s.execute(update(Stage).values(output=output)))
    end(kit, claim.job_id, JobStatus.SUCCEEDED)

    tidy_jobs(kit)

    assert kit.storage.keys(f"jobs/{claim.job_id}") == [keep]


def test_a_job_that_just_ended_is_left_alone(kit: Toolkit, new_job: NewJob) -> None:
    """A worker may still be writing: its files are looked at when no lease can be alive."""
    job_id = new_job()
    kit.storage.write(f"jobs/{job_id}/1/x", b"x")
    end(kit, job_id, JobStatus.FAILED)
    transact(kit.engine, lambda s: s.execute(update(Job).values(finished_at=datetime.now(UTC))))

    tidy_jobs(kit)

    assert kit.storage.keys(f"jobs/{job_id}") != []


def test_a_job_whose_time_is_over_is_erased(kit: Toolkit, new_job: NewJob) -> None:
    """Its files and all its rows go."""
    old, young = new_job(), new_job()
    for job_id in (old, young):
        kit.storage.write(f"jobs/{job_id}/1/x", b"x")
        end(kit, job_id, JobStatus.SUCCEEDED)
    transact(kit.engine, lambda s: s.execute(update(Job).where(Job.id == old).values(expires_at=PAST)))

    erase_expired(kit)

    assert kit.storage.names("jobs") == [str(young)]
    assert transact(kit.engine, lambda s: s.scalars(select(Job.id)).all()) == [young]


def test_an_expired_upload_goes_unless_an_open_job_needs_it(kit: Toolkit, new_job: NewJob) -> None:
    """Media of a running job outlive their time until it ends."""
    job_id = new_job()
    transact(kit.engine, lambda s: s.execute(update(Upload).values(expires_at=PAST)))

    drop_uploads(kit)
    assert len(kit.storage.names("uploads")) == 1

    end(kit, job_id, JobStatus.SUCCEEDED)
    drop_uploads(kit)
    assert kit.storage.names("uploads") == []
    assert transact(kit.engine, lambda s: s.scalars(select(Upload.id)).all()) == []


def test_an_upload_that_never_arrived_goes(kit: Toolkit) -> None:
    """What a killed API process left half-way is removed, row and file."""
    upload = Upload(
        id=uuid4(),
        kind=UploadKind.VIDEO,
        state=UploadState.RECEIVING,
        media_type="video/mp4",
        demuxer="mov",
        created_at=datetime.now(UTC) - timedelta(days=1),
        expires_at=datetime.now(UTC) + timedelta(days=1),
    )
    kit.storage.write(upload.storage_key, b"half")
    transact(kit.engine, lambda s: s.add(upload))

    drop_uploads(kit)

    assert kit.storage.names("uploads") == []
