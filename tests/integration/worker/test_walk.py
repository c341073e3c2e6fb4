"""A process goes on with a segment: the stage that follows is its own before anybody else can see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from uuid import UUID

import pytest
from celery.exceptions import Ignore
from sqlalchemy import Engine, select, update

import worker.runner
from shared.database import transact
from shared.queue import EVERYWHERE, queue_names
from shared.settings import Settings
from shared.tables import Job, JobStatus, Priority, Segment, Stage, StageName, WorkStatus
from tests.integration.worker.steps import ALL_STAGES
from worker import walk
from worker.assignment import Assignment
from worker.runner import Result, run_stage, take_stage
from worker.segments import Cut
from worker.toolkit import Toolkit
from worker.walk import stays
from worker.windows import plan_segments, plan_windows

Ingested = Callable[..., list[UUID]]


@pytest.fixture(autouse=True)
def _here(kit: Toolkit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the worker's steps work on the test's database."""
    monkeypatch.setattr(worker.runner, "toolkit", lambda: kit)


def seen(assignment: Assignment, _kit: Toolkit, _checkpoint: Callable[[], None]) -> Result:
    """Do the work of a stage that only says its name."""
    return Result({"by": assignment.claim.name.value})


def always(_name: StageName, _job: Job) -> bool:
    """Stay with every stage."""
    return True


def never(_name: StageName, _job: Job) -> bool:
    """Leave every stage to others."""
    return False


def statuses(engine: Engine, segment: UUID) -> dict[StageName, WorkStatus]:
    rows = transact(
        engine,
        lambda s: s.execute(select(Stage.name, Stage.status).where(Stage.segment_id == segment)).all(),
    )
    return {row.name: row.status for row in rows}


def taken(name: StageName, key: UUID) -> Assignment:
    assignment = take_stage(name, key)
    assert assignment is not None
    return assignment


def test_the_next_stage_is_claimed_with_the_commit(engine: Engine, ingested: Ingested) -> None:
    """Faces is done and sound is leased by the same process, which knows what faces gave."""
    (segment,) = ingested()

    following = run_stage(taken(StageName.FACES, segment), seen, always)

    assert following is not None
    assert following.claim.name is StageName.SOUND
    assert following.outputs[StageName.FACES] == {"by": "faces"}
    assert following.ahead == (StageName.FUSION, StageName.INFERENCE)
    assert following.windows
    assert statuses(engine, segment) == {
        StageName.FACES: WorkStatus.DONE,
        StageName.SOUND: WorkStatus.LEASED,
        StageName.FUSION: WorkStatus.WAITING,
        StageName.INFERENCE: WorkStatus.WAITING,
    }
    with pytest.raises(Ignore):
        take_stage(StageName.SOUND, segment)


def test_the_claimed_stage_can_be_run(engine: Engine, ingested: Ingested) -> None:
    """Each claim leads to the next, and every stage is counted once."""
    (segment,) = ingested()
    following: Assignment | None = taken(StageName.FACES, segment)
    while following is not None and following.claim.name is not StageName.FUSION:
        following = run_stage(following, seen, always)
    assert following is not None
    assert run_stage(following, seen, never) is None

    assert statuses(engine, segment)[StageName.FUSION] is WorkStatus.DONE
    job = transact(engine, lambda s: s.get_one(Job, following.job.id))
    assert job.stages_done == 4
    assert set(job.stage_seconds) == {"ingest", "faces", "sound", "fusion"}


def test_what_others_go_on_with_is_ready(engine: Engine, ingested: Ingested) -> None:
    """A process that does not stay leaves the next stage to be claimed; its message counts as sent."""
    (segment,) = ingested()

    assert run_stage(taken(StageName.FACES, segment), seen, never) is None

    assert statuses(engine, segment)[StageName.SOUND] is WorkStatus.READY
    assert transact(
        engine,
        lambda s: s.scalar(
            select(Stage.published_at).where(Stage.segment_id == segment, Stage.name == StageName.SOUND)
        ),
    )
    # Its message comes again: the chain goes on.
    assert take_stage(StageName.FACES, segment) is None


@pytest.mark.parametrize(("duration_s", "segments"), [(6, 1), (18, 3)])
def test_ingest_goes_on_with_the_first_segment(
    engine: Engine, new_job: Callable[..., UUID], duration_s: float, segments: int
) -> None:
    """The first stage of the first segment is leased, those of the others are ready and not sent."""
    job_id = new_job()

    def cut(_assignment: Assignment, _kit: Toolkit, _checkpoint: Callable[[], None]) -> Result:
        plans = plan_segments(plan_windows(duration_s, 2, 2), 6)
        return Result({"video": None}, {"segments_total": segments}, cut=Cut(plans, ALL_STAGES))

    first = run_stage(taken(StageName.INGEST, job_id), cut, always)

    assert first is not None
    assert (first.claim.name, first.span.index) == (StageName.FACES, 0)
    assert first.facts == {"video": None}
    rows = transact(
        engine,
        lambda s: s.execute(
            select(Segment.index, Stage.status, Stage.published_at)
            .join(Segment, Segment.id == Stage.segment_id)
            .where(Stage.job_id == job_id, Stage.name == StageName.FACES)
            .order_by(Segment.index)
        ).all(),
    )
    assert [row.status for row in rows] == [WorkStatus.LEASED] + [WorkStatus.READY] * (segments - 1)
    assert [row.published_at for row in rows[1:]] == [None] * (segments - 1)


def test_a_lost_lease_claims_nothing(engine: Engine, ingested: Ingested) -> None:
    """A process whose stage was taken back writes nothing and does not go on."""
    (segment,) = ingested()
    faces = taken(StageName.FACES, segment)
    stolen = update(Stage).where(Stage.id == faces.claim.stage_id).values(token=Stage.token + 1)
    transact(engine, lambda s: s.execute(stolen))

    with pytest.raises(Ignore):
        run_stage(faces, seen, always)

    assert statuses(engine, segment)[StageName.SOUND] is WorkStatus.WAITING


@pytest.mark.parametrize("settings", [{"stage_time_limit_s": 0.3}], indirect=True)
def test_each_stage_has_its_own_time(engine: Engine, ingested: Ingested) -> None:
    """A stage over its limit fails the job with a sentence; those before it do not count."""

    def sleep(assignment: Assignment, kit: Toolkit, checkpoint: Callable[[], None]) -> Result:
        time.sleep(0.2 if assignment.claim.name is StageName.FACES else 60)
        return seen(assignment, kit, checkpoint)

    (segment,) = ingested()
    sound = run_stage(taken(StageName.FACES, segment), sleep, always)
    assert sound is not None
    with pytest.raises(Ignore):
        run_stage(sound, sleep, always)

    job = transact(engine, lambda s: s.get_one(Job, sound.job.id))
    assert (job.status, job.error_code) == (JobStatus.FAILED, "timeout")
    assert job.error_message == "The sound stage took longer than 0.3 s."


class TestStaying:
    """Which stages a process goes on with."""

    @pytest.fixture
    def job(self) -> Job:
        """An interactive job for the built-in analyzer."""
        return Job(priority=Priority.INTERACTIVE, analyzer=EVERYWHERE)

    @pytest.fixture(autouse=True)
    def _served_by_none(self) -> Iterator[None]:
        """Forget what a test serves."""
        yield
        walk.serve([])

    def test_what_its_worker_serves(self, job: Job) -> None:
        """A media worker goes through to fusion, and leaves the model to others."""
        walk.serve(queue_names("media", [EVERYWHERE]))
        assert [stays(name, job) for name in ALL_STAGES] == [True, True, True, False]

    def test_another_analyzer(self, job: Job) -> None:
        """A worker without OpenFace leaves its faces to one that has it, and goes on after that."""
        walk.serve(queue_names("media", [EVERYWHERE]))
        job.analyzer = "openface"
        assert [stays(name, job) for name in ALL_STAGES] == [False, True, True, False]

    def test_another_priority(self, job: Job) -> None:
        """What a worker does not begin it does not go on with."""
        walk.serve(queue_names("media", [EVERYWHERE], [Priority.INTERACTIVE]))
        job.priority = Priority.BULK
        assert not any(stays(name, job) for name in ALL_STAGES)

    def test_a_worker_that_is_told_to_stop(self, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
        """It ends after the stage at hand."""
        walk.serve(queue_names("media", [EVERYWHERE]))
        monkeypatch.setattr(walk, "_closing", SimpleNamespace(value=1))
        assert not any(stays(name, job) for name in ALL_STAGES)


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """Settings with an empty database, and others that a test names."""
    return settings.model_copy(update=getattr(request, "param", {}))
