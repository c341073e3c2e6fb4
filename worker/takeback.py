"""Taking back work from workers that died: their leases ran out."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from shared.database import transact
from shared.errors import ErrorCode
from shared.lifecycle import end_job, lock_job
from shared.settings import Settings
from shared.tables import JobStatus, Prediction, Stage, StageName, WorkStatus
from worker.metrics.janitor import TAKEBACKS
from worker.toolkit import Toolkit
from worker.tracing import mark

log = structlog.stdlib.get_logger(__name__)
ROUND_ROWS = 500
STAGE_EXPIRED = (Stage.status == WorkStatus.LEASED) & (Stage.lease_until < func.now())
WINDOW_EXPIRED = (Prediction.status == WorkStatus.LEASED) & (Prediction.lease_until < func.now())


def take_back_stages(kit: Toolkit) -> None:
    """Make stages ready again whose lease ran out."""
    rows = select(Stage.id, Stage.job_id).where(STAGE_EXPIRED).limit(ROUND_ROWS)
    for stage_id, job_id in transact(kit.engine, lambda session: session.execute(rows).all()):
        name = transact(
            kit.engine, partial(take_back_stage, settings=kit.settings, job_id=job_id, stage_id=stage_id)
        )
        if name is not None:
            TAKEBACKS.labels(name.value).inc()


def take_back_stage(session: Session, settings: Settings, job_id: UUID, stage_id: UUID) -> StageName | None:
    """Take one stage back, or end its job when too many workers have died of it.

    Returns its name, or ``None`` if somebody else was faster.
    """
    job = lock_job(session, job_id)
    stage = session.scalars(
        select(Stage).where(Stage.id == stage_id, STAGE_EXPIRED).with_for_update()
    ).one_or_none()
    if job is None or stage is None:
        return None
    stage.losses += 1
    ids = {"job_id": str(job_id), **({"segment_id": str(stage.segment_id)} if stage.segment_id else {})}
    log.warning("lease taken back", **ids, stage=stage.name.value, losses=stage.losses)
    mark("takeback", job, {"stage": stage.name.value, "losses": stage.losses})
    if stage.losses >= settings.max_losses:
        end_job(session, job, JobStatus.FAILED, settings, error=worker_lost(settings, stage.name))
    else:
        stage.status, stage.lease_until, stage.published_at = WorkStatus.READY, None, None
    return stage.name


def take_back_windows(kit: Toolkit) -> None:
    """Make windows ready again whose lease ran out."""
    jobs = select(Prediction.job_id).where(WINDOW_EXPIRED).distinct().limit(ROUND_ROWS)
    for job_id in transact(kit.engine, lambda session: session.scalars(jobs).all()):
        number = transact(kit.engine, partial(take_back_job_windows, settings=kit.settings, job_id=job_id))
        TAKEBACKS.labels(StageName.INFERENCE.value).inc(number)


def take_back_job_windows(session: Session, settings: Settings, job_id: UUID) -> int:
    """Take one job's windows back, or end it when too many workers have died of one of them.

    Returns how many there were.
    """
    job = lock_job(session, job_id)
    rows = session.execute(
        update(Prediction)
        .where(WINDOW_EXPIRED, Prediction.job_id == job_id)
        .values(status=WorkStatus.READY, losses=Prediction.losses + 1, lease_until=None)
        .returning(Prediction.losses, Prediction.segment_id)
        .execution_options(synchronize_session=False)
    ).all()
    if job is None or not rows:
        return 0
    log.warning("windows taken back", job_id=str(job_id), windows=len(rows))
    mark("takeback", job, {"stage": StageName.INFERENCE.value, "windows": len(rows)})
    if max(row.losses for row in rows) >= settings.max_losses:
        error = worker_lost(settings, StageName.INFERENCE)
        end_job(session, job, JobStatus.FAILED, settings, error=error)
        return len(rows)
    session.execute(
        update(Stage)
        .where(
            Stage.segment_id.in_({row.segment_id for row in rows}),
            Stage.name == StageName.INFERENCE,
            Stage.status == WorkStatus.READY,
        )
        .values(published_at=None)
    )
    return len(rows)


def worker_lost(settings: Settings, name: StageName) -> tuple[ErrorCode, str]:
    """Return the error of a stage that kills its workers."""
    return (
        ErrorCode.WORKER_LOST,
        f"The worker died {settings.max_losses} times while it ran the {name} stage.",
    )
