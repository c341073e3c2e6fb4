"""The tasks: a name, a queue and the step behind each.

Media and model libraries are imported when a stage first runs, so that each kind of worker loads
only its own.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import Task

from shared.queue import publish, task_name
from shared.tables import Stage, StageName
from worker.app import app
from worker.dispatch import send_ready, unsent
from worker.runner import run_stage
from worker.toolkit import toolkit


class StageTask(Task[Any, Any]):
    """A task that fails its job in the right way even when its process is killed for taking too long."""

    Request = "worker.timeouts:StageRequest"
    # The database counts lost workers and decides; this only bounds the broker's own loop.
    max_retries = 10


@app.task(name=task_name(StageName.INGEST), base=StageTask)
def ingest(job_id: str) -> None:
    """Probe a job's media, cut it into segments, and start the chain of each."""
    from worker.stages import ingest as stage  # noqa: PLC0415

    run_stage(StageName.INGEST, UUID(job_id), stage.run)
    send_ready(toolkit().engine, app, unsent() & (Stage.job_id == UUID(job_id)))


@app.task(name=task_name(StageName.FACES), base=StageTask)
def faces(segment_id: str) -> None:
    """Follow the face of a segment."""
    from worker.stages import faces as stage  # noqa: PLC0415

    run_stage(StageName.FACES, UUID(segment_id), stage.run)


@app.task(name=task_name(StageName.SOUND), base=StageTask)
def sound(segment_id: str) -> None:
    """Listen to a segment."""
    from worker.stages import sound as stage  # noqa: PLC0415

    run_stage(StageName.SOUND, UUID(segment_id), stage.run)


@app.task(name=task_name(StageName.FUSION), base=StageTask)
def fusion(segment_id: str) -> None:
    """Build the model's inputs of a segment's windows."""
    from worker.stages import fusion as stage  # noqa: PLC0415

    run_stage(StageName.FUSION, UUID(segment_id), stage.run)


@app.task(name=task_name(StageName.INFERENCE), base=StageTask, bind=True)
def inference(self: Task[Any, Any], segment_id: str) -> None:
    """Score whatever windows are ready; ``segment_id`` only says which segment woke us."""
    from worker.stages.inference import drain  # noqa: PLC0415

    if drain(toolkit()):
        taken_from = (self.request.delivery_info or {}).get("routing_key")
        publish(self.signature((segment_id,), immutable=True, queue=str(taken_from)))
