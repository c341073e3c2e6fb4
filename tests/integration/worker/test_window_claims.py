"""Batching by claiming, against a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from shared.database import transact
from shared.lifecycle import end_job, lock_job
from shared.tables import Job, JobStatus, Prediction, Priority, Segment, StageName, WorkStatus
from tests.integration.worker.conftest import LEASE_S
from tests.integration.worker.steps import end
from worker.lease import Claim
from worker.model.engine import Predictions
from worker.stages.inference import Scored, write_predictions
from worker.takeback import take_back_windows
from worker.toolkit import Toolkit
from worker.window_lease import BatchClaim, claim_windows, renew_windows

Take = Callable[[StageName, UUID], Claim]
Fused = Callable[..., list[UUID]]
LABELS = ("calm", "wild")


@pytest.fixture
def fused(engine: Engine, ingested: Callable[..., list[UUID]], take: Take) -> Fused:
    """Make a job whose windows are ready for the model, and return its segments."""

    def make(**options: object) -> list[UUID]:
        segments = ingested(**options)
        for segment in segments:
            for name in (StageName.FACES, StageName.SOUND, StageName.FUSION):
                taken = take(name, segment)
                output = {"inputs": {}, "analyzer": {"name": "a", "version": "1"}, "silent": False}
                output |= {"most_faces": 1, "usable_frames": 9, "frames": 10}
                transact(engine, lambda s, c=taken, o=output: end(s, c, o))
            ready = (
                update(Prediction)
                .where(Prediction.segment_id == segment)
                .values(status=WorkStatus.READY, modalities=["video"], face_coverage=1.0)
            )
            transact(engine, lambda s, r=ready: s.execute(r))
        return segments

    return make


def claim_some(engine: Engine, limit: int) -> BatchClaim | None:
    return transact(engine, lambda session: claim_windows(session, limit, LEASE_S))


def score(kit: Toolkit, batch: BatchClaim) -> None:
    count = len(batch.windows)
    predictions = Predictions(
        np.tile(np.array([0.25, 0.75], np.float32), (count, 1)),
        np.full(count, -0.5, np.float32),
        np.full(count, 0.5, np.float32),
    )
    scored = Scored(batch, predictions, LABELS, "f" * 64, 1.0)
    transact(kit.engine, lambda session: write_predictions(session, scored, kit.settings))


def let_leases_run_out(engine: Engine) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    leased = update(Prediction).where(Prediction.status == WorkStatus.LEASED).values(lease_until=past)
    transact(engine, lambda session: session.execute(leased))


def only_job(engine: Engine, segment: UUID) -> Job:
    job_id = select(Segment.job_id).where(Segment.id == segment).scalar_subquery()
    return transact(engine, lambda s: s.scalars(select(Job).where(Job.id == job_id)).one())


def test_nothing_ready_means_nothing_claimed(engine: Engine, ingested: Callable[..., list[UUID]]) -> None:
    """A wake-up that finds no ready window ends."""
    ingested()

    assert claim_some(engine, 8) is None


def test_a_batch_holds_windows_of_several_jobs(engine: Engine, fused: Fused) -> None:
    """Five ready windows of two jobs fill one batch of eight."""
    first, second = fused(duration_s=6), fused(duration_s=4)

    batch = claim_some(engine, 8)

    assert batch is not None
    assert [w.segment_id for w in batch.windows] == first * 3 + second * 2


def test_interactive_windows_come_before_bulk_and_older_before_newer(engine: Engine, fused: Fused) -> None:
    """However late an interactive job comes, its windows are claimed first."""
    bulk = fused(priority=Priority.BULK)
    older = fused(duration_s=2)
    newer = fused(duration_s=2)

    order = []
    while batch := claim_some(engine, 1):
        order.append(batch.windows[0].segment_id)

    assert order == older + newer + bulk * 3


def test_a_batch_holds_windows_of_one_model(engine: Engine, fused: Fused) -> None:
    """Windows for another model wait for a batch of their own."""
    small, large = fused(model="small"), fused(model="large")

    first, second = claim_some(engine, 8), claim_some(engine, 8)

    assert first is not None
    assert second is not None
    assert (first.model, {w.segment_id for w in first.windows}) == ("small", set(small))
    assert (second.model, {w.segment_id for w in second.windows}) == ("large", set(large))


def test_workers_never_share_a_window(engine: Engine, fused: Fused) -> None:
    """Four workers that claim at once get each window between them exactly once."""
    fused(duration_s=60)

    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda _: claim_some(engine, 8), range(4)))

    claimed = [window.id for batch in batches if batch for window in batch.windows]
    assert len(claimed) == len(set(claimed)) == 30


def test_the_last_window_completes_the_job(kit: Toolkit, fused: Fused) -> None:
    """When every window has its prediction the job has a summary, and not before."""
    segments = fused(duration_s=8, segment_s=4)
    first = claim_some(kit.engine, 3)
    assert first is not None
    score(kit, first)
    assert only_job(kit.engine, segments[0]).status is JobStatus.RUNNING

    second = claim_some(kit.engine, 3)
    assert second is not None
    score(kit, second)

    job = only_job(kit.engine, segments[0])
    assert (job.status, job.segments_done, job.stages_done) == (JobStatus.SUCCEEDED, 2, job.stages_total)
    assert job.summary is not None
    assert (job.summary["emotion"], job.summary["valence"]) == ("wild", -0.5)


def test_segments_that_end_at_once_complete_the_job_once(kit: Toolkit, fused: Fused) -> None:
    """Eight segments finished by eight workers at the same time are counted exactly."""
    segments = fused(duration_s=16, segment_s=2)
    batches = [claim_some(kit.engine, 1) for _ in segments]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda batch: batch and score(kit, batch), batches))

    job = only_job(kit.engine, segments[0])
    assert (job.status, job.segments_done) == (JobStatus.SUCCEEDED, 8)


def test_a_batch_that_lost_its_lease_writes_nothing(kit: Toolkit, fused: Fused) -> None:
    """Predictions of a worker that was given up are refused; those of its successor count once."""
    (segment,) = fused(duration_s=4)
    slow = claim_some(kit.engine, 8)
    assert slow is not None
    let_leases_run_out(kit.engine)
    take_back_windows(kit)
    fast = claim_some(kit.engine, 8)
    assert fast is not None

    score(kit, slow)
    assert only_job(kit.engine, segment).status is JobStatus.RUNNING
    assert not transact(kit.engine, lambda s: renew_windows(s, slow.windows, LEASE_S))
    score(kit, fast)
    score(kit, fast)

    job = only_job(kit.engine, segment)
    assert (job.status, job.segments_done) == (JobStatus.SUCCEEDED, 1)


def test_windows_that_lost_a_worker_do_not_share_a_batch_with_others(kit: Toolkit, fused: Fused) -> None:
    """After a crash each segment is tried by itself, so that one bad clip fails alone."""
    bad, good = fused(duration_s=2), fused(duration_s=2)
    claim_some(kit.engine, 8)
    let_leases_run_out(kit.engine)
    take_back_windows(kit)
    for _ in range(kit.settings.max_losses - 1):
        batch = claim_some(kit.engine, 8)
        assert batch is not None
        assert {w.segment_id for w in batch.windows} == set(bad)
        let_leases_run_out(kit.engine)
        take_back_windows(kit)

    batch = claim_some(kit.engine, 8)
    assert batch is not None
    score(kit, batch)

    assert only_job(kit.engine, bad[0]).error_code == "worker_lost"
    assert only_job(kit.engine, good[0]).status is JobStatus.SUCCEEDED


def test_a_batch_is_written_for_those_jobs_that_still_want_it(kit: Toolkit, fused: Fused) -> None:
    """Of three jobs in a batch one is cancelled and one was made for other weights: the third succeeds."""
    wanted, cancelled, other = (fused(duration_s=2)[0] for _ in range(3))
    made_for = {"weights_sha256": "0" * 64}
    other_job = only_job(kit.engine, other).id
    change = update(Job).where(Job.id == other_job).values(model_info=made_for)
    transact(kit.engine, lambda s: s.execute(change))
    batch = claim_some(kit.engine, 8)
    assert batch is not None

    def cancel(session: Session) -> None:
        job = lock_job(session, only_job(kit.engine, cancelled).id)
        assert job is not None
        end_job(session, job, JobStatus.CANCELLED, kit.settings)

    transact(kit.engine, cancel)
    score(kit, batch)

    ends = [only_job(kit.engine, segment) for segment in (wanted, cancelled, other)]
    assert [job.status for job in ends] == [JobStatus.SUCCEEDED, JobStatus.CANCELLED, JobStatus.FAILED]
    assert ends[2].error_code == "model_unavailable"
    rows = select(Prediction.status).where(Prediction.status == WorkStatus.DONE)
    assert len(transact(kit.engine, lambda s: s.scalars(rows).all())) == 1
