"""What /metrics says of the queues, from real tables."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from api.state import State
from shared.database import transact
from shared.errors import ErrorCode
from shared.lifecycle import end_job, lock_job
from shared.settings import Settings
from shared.tables import JobStatus, Stage, WorkStatus
from tests.integration.api.conftest import Client, Predict, Upload, video


def value(text: str, sample: str) -> float:
    """Return the value of one sample of Prometheus's text format; 0 where there is none."""
    found = re.search(rf"(?m)^{re.escape(sample)} (\S+)$", text)
    return float(found[1]) if found else 0.0


def set_stages(engine: Engine, **values: object) -> None:
    transact(engine, lambda session: session.execute(update(Stage).values(**values)))


def read(client: Client) -> str:
    """Return the metrics, as if the last time had been a while ago."""
    state: State = client.application.extensions["avemotion-state"]  # type: ignore[attr-defined]
    state._kept_until = 0.0
    return client.get("/metrics").text


def test_depth_and_age_of_a_queue_come_from_the_database(
    client: Client, predict: Predict, engine: Engine
) -> None:
    """A queue is as deep as units wait in it, and as old as the first of them, whatever the broker holds."""
    predict()
    predict()
    set_stages(engine, created_at=datetime.now(UTC) - timedelta(seconds=100))

    found = read(client)

    assert value(found, 'avemotion_queue_ready{queue="media.interactive.ingest"}') == 2
    assert 100 <= value(found, 'avemotion_queue_oldest_seconds{queue="media.interactive.ingest"}') < 1000
    assert 'avemotion_queue_ready{queue="inference.bulk.inference"} 0.0' in found
    assert 'avemotion_queue_oldest_seconds{queue="media.bulk.faces.openface"} 0.0' in found


def test_work_that_is_not_due_does_not_wait(client: Client, predict: Predict, engine: Engine) -> None:
    """A stage in its backoff is nothing that a worker could take."""
    predict()
    set_stages(engine, published_at=None, not_before=datetime.now(UTC) + timedelta(hours=1))
    assert 'avemotion_queue_ready{queue="media.interactive.ingest"} 0.0' in read(client)


def test_leased_work_is_counted_by_queue(client: Client, predict: Predict, engine: Engine) -> None:
    """What a worker holds is no longer in the queue."""
    predict()
    set_stages(engine, status=WorkStatus.LEASED, lease_until=datetime.now(UTC) + timedelta(hours=1))

    found = read(client)

    assert 'avemotion_leased{queue="media.interactive.ingest"} 1.0' in found
    assert 'avemotion_leased{queue="inference.bulk.inference"} 0.0' in found
    assert 'avemotion_queue_ready{queue="media.interactive.ingest"} 0.0' in found


def test_ends_are_counted_with_their_error_code_once_they_are_committed(
    client: Client, predict: Predict, engine: Engine, settings: Settings
) -> None:
    """A job that ends counts by state and code; one whose transaction fails does not."""
    sample = 'avemotion_jobs_ended_total{code="no_face_found",status="failed"}'
    before = value(read(client), sample)
    job_id = UUID(predict()["job_id"])
    error = (ErrorCode.NO_FACE_FOUND, "No face.")

    def end(session: Session) -> None:
        job = lock_job(session, job_id)
        assert job is not None
        end_job(session, job, JobStatus.FAILED, settings, error=error)

    with Session(engine) as session:
        end(session)
        session.rollback()
    assert value(read(client), sample) == before
    transact(engine, end)

    assert value(read(client), sample) == before + 1


def test_cancelled_jobs_are_counted(client: Client, predict: Predict) -> None:
    """A client's cancelling is an end, too."""
    sample = 'avemotion_jobs_ended_total{code="",status="cancelled"}'
    before = value(read(client), sample)

    client.post(f"/jobs/{predict()['job_id']}/cancel")

    assert value(read(client), sample) == before + 1


def test_bytes_of_uploads_are_counted(client: Client, upload: Upload) -> None:
    """All bytes that were taken in count, those that were here already among them."""
    sample = 'avemotion_upload_bytes_total{kind="video"}'
    before = value(read(client), sample)

    upload("mark")
    upload("mark")

    assert value(read(client), sample) == before + 2 * len(video("mark"))


def test_the_database_is_asked_once_a_second(client: Client, predict: Predict) -> None:
    """Who reads again at once gets the same answer."""
    sample = 'avemotion_jobs{status="queued"} 0.0'
    assert sample in read(client)
    state: State = client.application.extensions["avemotion-state"]  # type: ignore[attr-defined]
    # A machine that does other things too may take longer than a second for what follows.
    state._kept_until += 1000
    predict()

    assert sample in client.get("/metrics").text
    assert 'avemotion_jobs{status="queued"} 1.0' in read(client)


def test_storage_that_is_away_is_told(client: Client, settings: Settings) -> None:
    """`avemotion_up` has the storage beside database and broker."""
    assert 'avemotion_up{dependency="storage"} 1.0' in read(client)
    (settings.data_dir / "storage").rmdir()
    assert 'avemotion_up{dependency="storage"} 0.0' in read(client)


def test_no_label_holds_an_id(client: Client, predict: Predict) -> None:
    """However many jobs there are, there are no more series."""
    ids = [predict()["job_id"] for _ in range(3)]
    assert not [each for each in ids if each in read(client)]
