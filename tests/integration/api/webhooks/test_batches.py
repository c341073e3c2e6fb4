"""The end of a batch is noticed once, whatever ended its last job."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine

from shared.database import transact
from shared.schemas.batches import BatchDocument
from shared.tables import JobStatus
from tests.integration.api.conftest import Client, Upload
from tests.integration.api.webhooks.conftest import End, rows
from worker.webhooks.batches import announce_batches

URL = "https://93.184.215.14/hook"
JOBS = 24


@pytest.fixture
def batch(client: Client) -> str:
    """A batch with a webhook."""
    return str(client.post("/batches", json={"webhook_url": URL}).json["batch_id"])


@pytest.fixture
def add(client: Client, upload: Upload, batch: str) -> Callable[[int], list[str]]:
    """Add jobs to the batch; return their ids."""

    def send(number: int) -> list[str]:
        body = {"jobs": [{"video_id": upload()} for _ in range(number)]}
        told = client.post(f"/batches/{batch}/jobs", json=body).json["jobs"]
        return [str(each["job_id"]) for each in told]

    return send


def notice(engine: Engine) -> int:
    """Look for ended batches as a janitor does."""
    return transact(engine, announce_batches)


def close(client: Client, batch: str) -> None:
    """Let the batch take no more jobs."""
    assert client.post(f"/batches/{batch}/close").status_code == 200


def test_batch_ends_when_it_is_closed_and_all_its_jobs_have_ended(
    engine: Engine, client: Client, batch: str, add: Callable[[int], list[str]], end: End
) -> None:
    """Not before it is closed, not before its last job has ended, and then once."""
    first, second = add(2)
    end(first)
    end(second, JobStatus.FAILED)
    assert notice(engine) == 0

    [third] = add(1)
    close(client, batch)
    assert notice(engine) == 0

    end(third)
    assert [notice(engine), notice(engine)] == [1, 0]
    [row] = rows(engine)
    assert (str(row.batch_id), row.event, row.job_id) == (batch, "batch.finished", None)
    document = BatchDocument.model_validate(client.get(f"/batches/{batch}").json)
    assert document.webhook is not None
    assert document.webhook.state == "pending"


@pytest.mark.parametrize("way", ["cancel job", "cancel batch", "erase job", "close last", "empty"])
def test_any_end_of_the_last_job_is_noticed(
    engine: Engine, client: Client, batch: str, add: Callable[[int], list[str]], way: str
) -> None:
    """Cancelling or erasing the last job, or closing after it, ends the batch; an empty one ends too."""
    jobs = [] if way == "empty" else add(1)
    if way not in {"close last", "empty"}:
        close(client, batch)
        assert notice(engine) == 0
    for job_id in jobs:
        match way:
            case "cancel batch":
                client.post(f"/batches/{batch}/cancel")
            case "erase job":
                client.delete(f"/jobs/{job_id}")
            case _:
                client.post(f"/jobs/{job_id}/cancel")
    close(client, batch)

    assert [notice(engine), notice(engine)] == [1, 0]


@pytest.mark.slow
def test_ends_at_once_are_noticed_once(
    engine: Engine, client: Client, batch: str, add: Callable[[int], list[str]], end: End
) -> None:
    """Jobs that end at the same time, and two janitors that look all the while, make one event."""
    jobs = add(JOBS)
    close(client, batch)
    over = threading.Event()

    def look() -> int:
        found = 0
        while not over.is_set():
            found += notice(engine)
        return found + notice(engine)

    with ThreadPoolExecutor(10) as pool:
        janitors = [pool.submit(look) for _ in range(2)]
        list(pool.map(end, jobs))
        over.set()
        noticed = [each.result() for each in janitors]

    assert sum(noticed) == 1
    assert len(rows(engine)) == 1


def test_batch_that_begins_anew_ends_anew(
    engine: Engine, client: Client, batch: str, add: Callable[[int], list[str]], end: End
) -> None:
    """A job that is tried again takes the end of its batch back; the next end is told by another event."""
    [job_id] = add(1)
    end(job_id, JobStatus.FAILED)
    close(client, batch)
    notice(engine)
    [first] = rows(engine)

    client.post(f"/jobs/{job_id}/retry")
    assert notice(engine) == 0
    assert rows(engine) == []

    end(job_id)
    assert notice(engine) == 1
    assert rows(engine)[0].id != first.id


def test_retry_and_notice_do_not_pass_each_other_by(
    engine: Engine, client: Client, batch: str, add: Callable[[int], list[str]], end: End
) -> None:
    """However a retry and a janitor's look fall together, no event is left of a batch that runs again."""
    [job_id] = add(1)
    close(client, batch)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(20):
            end(job_id, JobStatus.FAILED)
            looking = pool.submit(notice, engine)
            assert client.post(f"/jobs/{job_id}/retry").status_code == 202
            looking.result()
            assert notice(engine) == 0
            assert rows(engine) == []
