"""Tasks that outlast even the hard limit: their process is killed, and the parent says so."""

from __future__ import annotations

from uuid import UUID

import structlog
from celery.worker.request import Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.database import transact
from shared.errors import ErrorCode
from shared.lifecycle import end_job, lock_job
from shared.queue import task_name
from shared.tables import JobStatus, Stage, StageName, WorkStatus
from worker.toolkit import Toolkit, toolkit

log = structlog.stdlib.get_logger(__name__)
STAGES = {task_name(name): name for name in StageName}


class StageRequest(Request):
    """Ends the job of a stage whose process was killed at the hard limit with ``timeout``.

    Without this the lease would run out three times at full length and end in ``worker_lost``.
    Windows of the model (``inference``) are left to their leases: a batch holds strangers.
    """

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """Handle a limit; called in the worker's main process."""
        super().on_timeout(soft, timeout)
        name = STAGES.get(self.name)
        if soft or name is None or name is StageName.INFERENCE:
            return
        kit, key = toolkit(), UUID(self.args[0])
        log.warning("stage killed at its hard limit", stage=name.value)
        transact(kit.engine, lambda session: end_timed_out(session, kit, name, key), patience_s=5)


def end_timed_out(session: Session, kit: Toolkit, name: StageName, key: UUID) -> None:
    """End the job whose stage ``name`` is still leased by a process that was just killed."""
    target = Stage.job_id == key if name is StageName.INGEST else Stage.segment_id == key
    leased = target & (Stage.name == name) & (Stage.status == WorkStatus.LEASED)
    job_id = session.scalar(select(Stage.job_id).where(leased))
    job = lock_job(session, job_id) if job_id else None
    if job is not None and session.scalar(select(Stage.id).where(leased)) is not None:
        limit_s = kit.settings.stage_hard_limit_s
        message = f"The {name} stage took longer than {limit_s:g} s and was stopped."
        end_job(session, job, JobStatus.FAILED, kit.settings, error=(ErrorCode.TIMEOUT, message))
