"""The claim protocol against a real PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from shared.database import connect, transact
from shared.errors import ErrorCode
from shared.lifecycle import end_job, lock_job
from shared.tables import Job, JobStatus, Stage, StageName, WorkStatus
from tests.integration.worker.conftest import LEASE_S, NewJob
from tests.integration.worker.steps import end
from worker.lease import Claim, Ended, Following, Refusal, claim, finish, give_back, renew
from worker.pulse import LeaseLostError
from worker.takeback import take_back_stages
from worker.toolkit import Toolkit

Take = Callable[[StageName, UUID], Claim]
Expire = Callable[[Claim], None]


def job_of(engine: Engine, job_id: UUID) -> Job:
    return transact(engine, lambda session: session.get_one(Job, job_id))


def stage_of(engine: Engine, taken: Claim) -> Stage:
    return transact(engine, lambda session: session.get_one(Stage, taken.stage_id))


def await_waiter(engine: Engine) -> None:
    """Return once a statement waits for a lock."""
    waiters = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    until = time.monotonic() + 10
    while not transact(engine, lambda session: session.scalars(waiters).one()):
        assert time.monotonic() < until, "nothing waited"
        time.sleep(0.01)


def test_a_stage_is_claimed_once_however_many_try(engine: Engine, new_job: NewJob) -> None:
    """Of eight workers that claim the same stage at the same time, one gets it."""
    job_id = new_job()

    def attempt(_: int) -> object:
        return transact(engine, lambda session: claim(session, StageName.INGEST, job_id, LEASE_S))

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(8)))

    assert sum(outcome is not Refusal.BUSY for outcome in outcomes) == 1
    assert outcomes.count(Refusal.BUSY) == 7


def test_the_first_claim_starts_the_job(engine: Engine, new_job: NewJob, take: Take) -> None:
    """A job is queued until its ingest is claimed, and running from then on."""
    job_id = new_job()
    assert job_of(engine, job_id).status is JobStatus.QUEUED

    take(StageName.INGEST, job_id)

    job = job_of(engine, job_id)
    assert job.status is JobStatus.RUNNING
    assert job.started_at is not None


def test_a_stage_whose_turn_has_not_come_cannot_be_claimed(
    engine: Engine, ingested: Callable[..., list[UUID]]
) -> None:
    """A message for sound that overtakes faces finds nothing to do."""
    (segment,) = ingested()

    assert transact(engine, lambda s: claim(s, StageName.SOUND, segment, LEASE_S)) is Refusal.BUSY


def test_a_finished_stage_makes_the_next_one_ready(
    engine: Engine, ingested: Callable[..., list[UUID]], take: Take
) -> None:
    """When faces is done, sound may be claimed; faces itself answers that it is done."""
    (segment,) = ingested()
    faces = take(StageName.FACES, segment)

    transact(engine, lambda s: end(s, faces, {"answer": 42}, 1.5))

    assert transact(engine, lambda s: claim(s, StageName.FACES, segment, LEASE_S)) is Refusal.DONE
    assert isinstance(take(StageName.SOUND, segment), Claim)
    job = job_of(engine, faces.job_id)
    assert job.stage_seconds["faces"] == 1.5
    assert job.stages_done == 2


def test_a_worker_that_lost_its_lease_writes_nothing(
    kit: Toolkit, ingested: Callable[..., list[UUID]], take: Take, expire: Expire
) -> None:
    """A slow worker's result is refused once another has the stage; the other's counts."""
    (segment,) = ingested()
    slow = take(StageName.FACES, segment)
    expire(slow)
    take_back_stages(kit)
    fast = take(StageName.FACES, segment)

    with pytest.raises(LeaseLostError):
        transact(kit.engine, lambda s: finish(s, Ended(slow, {"by": "slow"}, 1)))
    transact(kit.engine, lambda s: finish(s, Ended(fast, {"by": "fast"}, 1)))

    assert fast.token > slow.token
    assert stage_of(kit.engine, fast).output == {"by": "fast"}


def test_a_commit_whose_answer_was_lost_counts_once(
    engine: Engine, ingested: Callable[..., list[UUID]], take: Take
) -> None:
    """Finishing again with the same token is taken for what it is: the same commit."""
    (segment,) = ingested()
    faces = take(StageName.FACES, segment)
    assert transact(engine, lambda s: finish(s, Ended(faces, {}, 1))) is None

    assert transact(engine, lambda s: finish(s, Ended(faces, {}, 1))) is Refusal.DONE

    assert job_of(engine, faces.job_id).stages_done == 2


def test_a_forged_token_opens_nothing(
    engine: Engine, ingested: Callable[..., list[UUID]], take: Take
) -> None:
    """Neither an older nor a newer token than the row's may write."""
    (segment,) = ingested()
    faces = take(StageName.FACES, segment)

    for token in (faces.token - 1, faces.token + 1):
        with pytest.raises(LeaseLostError):
            transact(engine, lambda s, token=token: finish(s, Ended(replace(faces, token=token), {}, 1)))

    assert stage_of(engine, faces).status is WorkStatus.LEASED


def test_a_cancelled_job_fences_its_worker(
    kit: Toolkit, ingested: Callable[..., list[UUID]], take: Take
) -> None:
    """After a cancel the heartbeat finds the lease gone, and a result is refused."""
    (segment,) = ingested()
    faces = take(StageName.FACES, segment)

    def cancel(session: Session) -> None:
        job = lock_job(session, faces.job_id)
        assert job is not None
        end_job(session, job, JobStatus.CANCELLED, kit.settings)

    transact(kit.engine, cancel)

    assert not transact(kit.engine, lambda s: renew(s, faces, LEASE_S))
    with pytest.raises(LeaseLostError):
        transact(kit.engine, lambda s: finish(s, Ended(faces, {}, 1)))
    assert job_of(kit.engine, faces.job_id).status is JobStatus.CANCELLED


def test_a_result_that_waited_for_its_job_sees_what_was_done_meanwhile(
    kit: Toolkit, ingested: Callable[..., list[UUID]], take: Take
) -> None:
    """Its stage is looked at as it is once the job's lock is free, not as it was when the wait began."""
    (segment,) = ingested()
    faces = take(StageName.FACES, segment)

    with ThreadPoolExecutor(1) as pool, Session(kit.engine) as session, session.begin():
        job = lock_job(session, faces.job_id)
        assert job is not None
        waiting = pool.submit(transact, kit.engine, lambda s: finish(s, Ended(faces, {}, 1)))
        await_waiter(kit.engine)
        end_job(session, job, JobStatus.CANCELLED, kit.settings)
        session.commit()
        with pytest.raises(LeaseLostError):
            waiting.result(10)

    assert job_of(kit.engine, faces.job_id).stages_done == 1


def test_a_claim_that_waited_for_its_job_does_not_take_what_another_took(
    kit: Toolkit, ingested: Callable[..., list[UUID]]
) -> None:
    """Both found the stage ready; the one that had the job first has it."""
    (segment,) = ingested()

    def attempt(session: Session) -> object:
        return claim(session, StageName.FACES, segment, LEASE_S)

    with ThreadPoolExecutor(1) as pool, Session(kit.engine) as session:
        first = attempt(session)
        waiting = pool.submit(transact, kit.engine, attempt)
        await_waiter(kit.engine)
        session.commit()

        assert waiting.result(10) is Refusal.BUSY
        assert not isinstance(first, Refusal)


def test_a_renewed_lease_is_not_taken_back(
    kit: Toolkit, ingested: Callable[..., list[UUID]], take: Take, expire: Expire
) -> None:
    """A heartbeat that comes late, but before the janitor, keeps the claim."""
    (segment,) = ingested()
    faces = take(StageName.FACES, segment)
    expire(faces)

    assert transact(kit.engine, lambda s: renew(s, faces, LEASE_S))
    take_back_stages(kit)

    assert stage_of(kit.engine, faces).status is WorkStatus.LEASED


def test_a_failure_that_may_pass_is_tried_again_after_a_pause_and_not_for_ever(
    kit: Toolkit, ingested: Callable[..., list[UUID]], take: Take
) -> None:
    """A given-back stage waits before it can be claimed, and after max_retries it is not given back."""
    (segment,) = ingested()
    for _ in range(kit.settings.max_retries):
        faces = take(StageName.FACES, segment)
        assert transact(kit.engine, lambda s, c=faces: give_back(s, c, kit.settings))
        assert transact(kit.engine, lambda s: claim(s, StageName.FACES, segment, LEASE_S)) is Refusal.BUSY
        transact(kit.engine, lambda s: s.execute(update(Stage).values(not_before=None)))

    last = take(StageName.FACES, segment)

    assert not transact(kit.engine, lambda s: give_back(s, last, kit.settings))


def test_a_stage_that_kills_its_workers_fails_its_job_with_worker_lost(
    kit: Toolkit, ingested: Callable[..., list[UUID]], take: Take, expire: Expire
) -> None:
    """After max_losses lost workers the job ends, and no message brings it back."""
    (segment,) = ingested()
    for _ in range(kit.settings.max_losses):
        faces = take(StageName.FACES, segment)
        expire(faces)
        take_back_stages(kit)

    job = job_of(kit.engine, faces.job_id)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "worker_lost")
    assert "faces" in (job.error_message or "")
    assert transact(kit.engine, lambda s: claim(s, StageName.FACES, segment, LEASE_S)) is Refusal.BUSY
    open_work = select(Stage.id).where(Stage.status.in_([WorkStatus.READY, WorkStatus.WAITING]))
    assert transact(kit.engine, lambda s: s.scalars(open_work).all()) == []


def test_a_claim_that_a_crash_made_forgotten_stays_without_right(
    kit: Toolkit, ingested: Callable[..., list[UUID]], take: Take
) -> None:
    """The claim that is given instead has another token, so that the forgotten one writes nothing."""
    (segment,) = ingested()
    forgotten = take(StageName.FACES, segment)
    row = update(Stage).where(Stage.id == forgotten.stage_id)
    transact(kit.engine, lambda s: s.execute(row.values(status=WorkStatus.READY, token=0)))

    taken = take(StageName.FACES, segment)

    assert taken.token != forgotten.token
    with pytest.raises(LeaseLostError):
        transact(kit.engine, lambda s: finish(s, Ended(forgotten, {}, 1)))


def test_a_stage_is_handed_on_in_the_commit_of_its_result(
    engine: Engine, ingested: Callable[..., list[UUID]], take: Take
) -> None:
    """Who goes on with a segment has the next stage's claim at once; nobody else can have it."""
    (segment,) = ingested()
    faces = take(StageName.FACES, segment)

    sound = transact(
        engine, lambda s: finish(s, Ended(faces, {}, 1), Following(segment, StageName.SOUND, LEASE_S))
    )

    assert isinstance(sound, Claim)
    assert (sound.segment_id, sound.name) == (segment, StageName.SOUND)
    assert stage_of(engine, faces).status is WorkStatus.DONE
    assert stage_of(engine, sound).token == sound.token
    assert transact(engine, lambda s: renew(s, sound, LEASE_S))
    assert transact(engine, lambda s: claim(s, StageName.SOUND, segment, LEASE_S)) is Refusal.BUSY


def test_nothing_is_handed_on_by_a_worker_that_lost_its_lease(
    kit: Toolkit, ingested: Callable[..., list[UUID]], take: Take, expire: Expire
) -> None:
    """The stage that would follow waits on, for whoever has the one before by now."""
    (segment,) = ingested()
    slow = take(StageName.FACES, segment)
    expire(slow)
    take_back_stages(kit)

    with pytest.raises(LeaseLostError):
        transact(
            kit.engine, lambda s: finish(s, Ended(slow, {}, 1), Following(segment, StageName.SOUND, LEASE_S))
        )

    take(StageName.FACES, segment)
    assert transact(kit.engine, lambda s: claim(s, StageName.SOUND, segment, LEASE_S)) is Refusal.BUSY


def test_only_ends_wait_for_the_disk(kit: Toolkit, ingested: Callable[..., list[UUID]], take: Take) -> None:
    """What goes on inside a job may be forgotten by a crash and is done again; an end that was seen stays."""
    (segment,) = ingested()
    faces = take(StageName.FACES, segment)
    waits = text("SHOW synchronous_commit")

    def go_on(session: Session) -> str:
        finish(session, Ended(faces, {}, 1))
        return session.scalars(waits).one()

    def come_to_an_end(session: Session) -> str:
        job = lock_job(session, faces.job_id)
        assert job is not None
        end_job(session, job, JobStatus.FAILED, kit.settings, error=(ErrorCode.TIMEOUT, "It took too long."))
        return session.scalars(waits).one()

    own = replace(kit, engine=connect(kit.settings, durable=False))
    assert transact(own.engine, go_on) == "off"
    assert transact(own.engine, come_to_an_end) == "on"
    assert transact(kit.engine, lambda session: session.scalars(waits).one()) == "on"
    own.engine.dispose()
