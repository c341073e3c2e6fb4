"""Processes die and servers go away; every job ends all the same, exactly once, by itself."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import psutil
import pytest
from celery import Celery
from celery.canvas import Signature
from sqlalchemy import select

from shared.database import transact
from shared.queue import EVERYWHERE, ingest_message, make_celery, publish, segment_message
from shared.tables import Job, Priority, Stage, StageName, WorkStatus
from tests import media_factory
from tests.acceptance.service import Service, running_service
from tests.servers import wait_until

# Minutes of waiting for what was broken to mend itself.
pytestmark = pytest.mark.slow

STAGES = list(StageName)
MEDIA_STAGES = [StageName.INGEST, StageName.FACES, StageName.SOUND, StageName.FUSION]
TRIES = 8


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of a face with a voice: each stage takes long enough to be hit."""
    return media_factory.face_video(tmp_path_factory.mktemp("media") / "clip.mp4", duration_s=8)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of this module's own: its servers are killed again and again."""
    with running_service(tmp_path_factory.mktemp("faults")) as running:
        yield running


def kill(pid: int, sign: signal.Signals = signal.SIGKILL) -> None:
    """End a process; with no chance to clean up, unless another signal is named."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sign)


def hit(  # noqa: PLR0913 - a fault is a place, a time and a way
    service: Service,
    clip: Path,
    name: StageName,
    victim: str,
    *,
    child: bool,
    sign: signal.Signals = signal.SIGKILL,
) -> str:
    """Kill a worker, or its child, while it runs a stage; return the job that it ran."""
    for _ in range(TRIES):
        target = service.child(victim) if child else service.pid(victim)
        job = service.submit(clip)
        if service.wait_for_lease(job, name):
            kill(target, sign)
            return job
        service.end_of(job)
    raise AssertionError(f"{name} was never caught running")


@pytest.mark.parametrize("name", MEDIA_STAGES)
def test_a_media_child_killed_in_the_middle_of_a_stage(service: Service, clip: Path, name: StageName) -> None:
    """The stage is taken back and run again by the next child."""
    job = hit(service, clip, name, "media", child=True)

    service.assert_scored_once(service.end_of(job))


@pytest.mark.parametrize("name", [StageName.FACES, StageName.FUSION])
def test_a_media_worker_killed_in_the_middle_of_a_stage(
    service: Service, clip: Path, name: StageName
) -> None:
    """The whole worker dies; its successor runs the stage again."""
    job = hit(service, clip, name, "media", child=False)

    service.assert_scored_once(service.end_of(job))


def test_a_media_worker_told_to_stop(service: Service, clip: Path) -> None:
    """It ends the stage at hand and leaves the next to its successor: no work is lost."""
    job = hit(service, clip, StageName.FACES, "media", child=False, sign=signal.SIGTERM)

    service.assert_scored_once(service.end_of(job))
    losses = select(Stage.name, Stage.losses).where(Stage.job_id == UUID(job))
    rows = transact(service.engine, lambda session: session.execute(losses).all())
    assert {row.name for row in rows if row.losses == 0} >= set(MEDIA_STAGES)


@pytest.mark.parametrize("child", [True, False])
def test_the_inference_worker_killed_in_the_middle_of_a_batch(
    service: Service, clip: Path, child: bool
) -> None:
    """The windows are taken back and scored once by the next model process."""
    job = hit(service, clip, StageName.INFERENCE, "inference", child=child)

    service.assert_scored_once(service.end_of(job))


def test_valkey_is_away_when_a_job_is_posted(service: Service, clip: Path) -> None:
    """POST answers 202 without a broker; the job starts when it is back."""
    upload = service.upload(clip)
    service.valkey.kill()

    job = service.predict(video_id=upload)
    time.sleep(1)
    service.valkey.start()

    service.assert_scored_once(service.end_of(job))


@pytest.mark.parametrize("empty", [False, True], ids=["keeps its data", "loses all its data"])
def test_valkey_dies_between_two_stages(service: Service, clip: Path, empty: bool) -> None:
    """The next message is lost with the broker, and sent again."""
    job = service.submit(clip)
    assert service.wait_for_lease(job, StageName.FACES)

    if empty:
        service.empty_valkey()
    else:
        service.valkey.kill()
    time.sleep(3)
    service.valkey.start()

    service.assert_scored_once(service.end_of(job))


def test_valkey_loses_all_its_data_with_many_jobs_waiting(service: Service, clip: Path) -> None:
    """Every message that waited is sent again, and each job is scored once."""
    upload = service.upload(clip)
    jobs = [service.predict(video_id=upload) for _ in range(5)]

    service.empty_valkey()
    service.valkey.start()

    for job in jobs:
        service.assert_scored_once(service.end_of(job))


def test_postgres_is_restarted_under_load(service: Service, clip: Path) -> None:
    """With jobs in every stage the database dies and comes back; each is scored once."""
    upload = service.upload(clip)
    jobs = [service.predict(video_id=upload) for _ in range(4)]
    assert service.wait_for_lease(jobs[0], StageName.FACES)

    service.postgres.kill()
    try:
        time.sleep(2)
        away = service.http.get(f"/jobs/{jobs[0]}")
    finally:
        service.postgres.start()

    assert (away.status_code, away.json()["code"]) == (503, "service_unavailable")
    for job in jobs:
        service.assert_scored_once(service.end_of(job))


def test_every_message_comes_twice(service: Service, clip: Path) -> None:
    """Whatever is delivered again, in whatever order, changes nothing."""
    app = make_celery(service.settings)
    engine = service.engine
    jobs = [service.submit(clip) for _ in range(2)]
    over = threading.Event()
    repeated: set[object] = set()
    begun = select(Stage).where(Stage.job_id.in_(map(UUID, jobs)), Stage.status != WorkStatus.WAITING)

    def repeat() -> None:
        while not over.wait(0.02):
            for stage in transact(engine, lambda s: s.scalars(begun).all()):
                if stage.id not in repeated:
                    repeated.add(stage.id)
                    publish(again(app, stage))

    echo = threading.Thread(target=repeat)
    echo.start()
    try:
        documents = [service.end_of(job) for job in jobs]
    finally:
        over.set()
        echo.join()

    for document in documents:
        service.assert_scored_once(document)
    assert len(repeated) == 2 + 2 * 2 * 4


def again(app: Celery, stage: Stage) -> Signature[None]:
    """Return the message of a stage and of all that follow it."""
    if stage.segment_id is None:
        return ingest_message(app, stage.job_id, Priority.INTERACTIVE)
    return segment_message(
        app, stage.segment_id, STAGES[STAGES.index(stage.name) :], Priority.INTERACTIVE, EVERYWHERE
    )


def test_the_api_killed_after_the_commit_and_before_the_publish(service: Service, clip: Path) -> None:
    """A job that was written but never announced is found and scored."""
    upload = service.upload(clip)
    before = newest_job(service)
    # A broker that takes no answer holds the API between its commit and the end of its publish.
    service.valkey.freeze()
    try:
        poster = threading.Thread(target=post_into_the_void, args=(service, upload))
        poster.start()
        wait_until(lambda: newest_job(service) != before)
        api = psutil.Process(service.pid("api"))
        for process in [api, *api.children(recursive=True)]:
            kill(process.pid)
        poster.join()
    finally:
        service.empty_valkey()
        service.valkey.start()

    service.assert_scored_once(service.end_of(str(newest_job(service))))


def post_into_the_void(service: Service, upload: str) -> None:
    """Post a job and expect the API to die over it."""
    with contextlib.suppress(httpx.TransportError):
        httpx.post(f"{service.stack.api_url}/predict", json={"video_id": upload}, timeout=30)


def newest_job(service: Service) -> object:
    """Return the id of the newest job."""
    return transact(service.engine, lambda s: s.scalar(select(Job.id).order_by(Job.id.desc()).limit(1)))


def test_a_task_that_kills_its_worker_every_time(service: Service, clip: Path) -> None:
    """A poison job ends in worker_lost after three dead workers, and the next job is scored."""
    job = service.submit(clip)
    over = threading.Event()

    def poison() -> None:
        while not over.is_set():
            child = service.child("media")
            if service.wait_for_lease(job, StageName.FACES):
                kill(child)
                wait_until(lambda pid=child: not psutil.pid_exists(pid) or over.is_set())  # type: ignore[misc]
            else:
                return

    killer = threading.Thread(target=poison)
    killer.start()
    try:
        document = service.end_of(job)
    finally:
        over.set()
        killer.join()

    assert (document["status"], document["error"]["code"]) == ("failed", "worker_lost")
    assert "3 times" in document["error"]["message"]
    service.assert_scored_once(service.score(clip))


def test_the_janitor_is_needed_by_nobody_for_long(service: Service, clip: Path) -> None:
    """A job runs while the janitor is dead, and a killed janitor comes back by itself."""
    pid = service.pid("janitor")
    kill(pid)

    service.assert_scored_once(service.score(clip))

    wait_until(lambda: service.stack.pids().get("janitor", pid) != pid)
