"""The tasks: a name, a queue and the step behind each.

Media and model libraries are imported when a stage first runs, so that each kind of worker loads
only its own.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import Task

from shared.backlog import unsent
from shared.queue import INFERENCE, publish, queue_names, segment_message, task_name, wake_model
from shared.tables import Priority, Stage, StageName
from worker.app import app
from worker.dispatch import send_ready
from worker.runner import run_stage, take_stage
from worker.toolkit import toolkit
from worker.walk import stays, walk, work_of

LAST = [StageName.INFERENCE]
BULK = queue_names(INFERENCE, priorities=(Priority.BULK,))


class StageTask(Task[Any, Any]):
    """A task whose message may come again when its process was killed."""

    # The database counts lost workers and decides; this only bounds the broker's own loop.
    max_retries = 10


@app.task(name=task_name(StageName.INGEST), base=StageTask)
def ingest(job_id: str) -> None:
    """Probe a job's media and cut it into segments; start the chain of each, but go on with the first."""
    name = StageName.INGEST
    taken = take_stage(name, UUID(job_id))
    first = run_stage(taken, work_of(name), stays) if taken else None
    if first is None or first.job.segments_total > 1:
        send_ready(toolkit().engine, app, unsent() & (Stage.job_id == UUID(job_id)))
    if first is None:
        return
    done = walk(first)
    ahead = [stage for stage in (first.claim.name, *first.ahead) if stage not in done]
    if ahead == LAST:
        wake_model(app, first.span.id, first.job.priority, toolkit().settings)
    else:
        publish(segment_message(app, first.span.id, ahead, first.job.priority, first.job.analyzer))


@app.task(name=task_name(StageName.FACES), base=StageTask, bind=True)
def faces(self: Task[Any, Any], segment_id: str) -> None:
    """Follow the face of a segment."""
    _run(self, StageName.FACES, UUID(segment_id))


@app.task(name=task_name(StageName.SOUND), base=StageTask, bind=True)
def sound(self: Task[Any, Any], segment_id: str) -> None:
    """Listen to a segment."""
    _run(self, StageName.SOUND, UUID(segment_id))


@app.task(name=task_name(StageName.FUSION), base=StageTask, bind=True)
def fusion(self: Task[Any, Any], segment_id: str) -> None:
    """Build the model's inputs of a segment's windows."""
    _run(self, StageName.FUSION, UUID(segment_id))


@app.task(name=task_name(StageName.INFERENCE), base=StageTask, bind=True)
def inference(self: Task[Any, Any], segment_id: str) -> None:
    """Score whatever windows are ready; ``segment_id`` only says which segment woke us."""
    from worker.stages.inference import GATHER_S, drain  # noqa: PLC0415

    taken_from = (self.request.delivery_info or {}).get("routing_key")
    if drain(toolkit(), GATHER_S if taken_from in BULK else 0):
        publish(self.signature((segment_id,), immutable=True, queue=str(taken_from)))


def _run(task: Task[Any, Any], name: StageName, segment_id: UUID) -> None:
    """Run a stage and those that this process goes on with; the message's chain wakes others for the rest."""
    taken = take_stage(name, segment_id)
    done = {task_name(each) for each in walk(taken)} if taken else set()
    # A list of signatures, though Celery's stubs have a text there.
    chain: Any = task.request.chain or []
    ahead = [each for each in chain if each["task"] not in done]
    if taken and [each["task"] for each in ahead] == [task_name(each) for each in LAST]:
        wake_model(app, segment_id, taken.job.priority, toolkit().settings)
        ahead = []
    task.request.update(chain=ahead)
