"""Queues and messages: what wakes a worker up.

A message carries ids and nothing else; it may be lost or come twice without harm, because every
stage claims its work in the database first. Facts behind each option: Celery 5.7 on Redis/Valkey.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any
from uuid import UUID

import redis
from celery import Celery, chain
from celery.canvas import Signature
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError

from shared.broker_access import SOCKET_TIMEOUT_S, BrokerAccess, access_of
from shared.settings import Settings
from shared.tables import Priority, StageName

log = logging.getLogger(__name__)

MEDIA = "media"
INFERENCE = "inference"
# A resource's stages, last first: a worker brings to its end what it has begun before it begins
# more. Served in the order of their coming, a batch of 100,000 clips would lie about as crops
# before the first result.
STAGES = {
    MEDIA: (StageName.FUSION, StageName.SOUND, StageName.FACES, StageName.INGEST),
    INFERENCE: (StageName.INFERENCE,),
}
# What every media worker can see faces with; others' work has queues of its own, which only workers that
# have them serve.
EVERYWHERE = "landmarker"
ANALYZERS = (EVERYWHERE, "openface")
PRIORITIES = (Priority.INTERACTIVE, Priority.BULK)
RESOURCE = {stage: resource for resource, stages in STAGES.items() for stage in stages}
# Room between the longest task and its redelivery.
VISIBILITY_MARGIN_S = 600
# Written to see whether the broker takes anything.
PROBE = "avemotion:probe"
PROBE_LIFE_S = 60


def all_queue_names() -> list[str]:
    """Return every queue in the order in which they are served, those of ``media`` first."""
    return [name for resource in (MEDIA, INFERENCE) for name in queue_names(resource)]


def task_name(stage: StageName) -> str:
    """Return the name under which a stage's task is registered."""
    return f"avemotion.{stage.value}"


def queue_name(stage: StageName, priority: Priority, analyzer: str) -> str:
    """Return the queue of a stage's work, such as ``media.bulk.faces`` or ``media.bulk.faces.openface``."""
    name = f"{RESOURCE[stage]}.{priority.value}.{stage.value}"
    return name if stage is not StageName.FACES or analyzer == EVERYWHERE else f"{name}.{analyzer}"


def queue_names(
    resource: str, analyzers: Sequence[str] = ANALYZERS, priorities: Sequence[Priority] = PRIORITIES
) -> list[str]:
    """Return a resource's queues in the order in which they are served: interactive before bulk.

    Args:
        resource: ``media`` or ``inference``.
        analyzers: What the worker can see faces with.
        priorities: What the worker serves, first things first.
    """
    names = [
        queue_name(stage, priority, analyzer)
        for priority in priorities
        for stage in STAGES[resource]
        for analyzer in analyzers
    ]
    return list(dict.fromkeys(names))


def make_celery(settings: Settings) -> Celery:
    """Return the Celery application that the API, the janitor and the workers share.

    Raises:
        AvemotionError: No broker address is set.
    """
    access = access_of(settings)
    # Stages have limits of their own, kept by the process itself; this is for one that cannot keep them.
    task_limit_s = len(STAGES[MEDIA]) * settings.stage_hard_limit_s
    app = Celery("avemotion", broker=access.address.celery_url, set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        # The anonymous exchange routes by queue name alone: no binding to lose with Valkey's data.
        task_queues=[Queue(name, Exchange(""), routing_key=name) for name in all_queue_names()],
        task_create_missing_queues=False,
        task_default_queue=queue_name(StageName.INGEST, Priority.INTERACTIVE, EVERYWHERE),
        task_default_exchange="",
        task_default_routing_key=queue_name(StageName.INGEST, Priority.INTERACTIVE, EVERYWHERE),
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_acks_late=True,
        task_retry_on_worker_lost=True,
        task_time_limit=task_limit_s,
        worker_prefetch_multiplier=1,
        worker_send_task_events=settings.task_events,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # On a busy machine a model takes minutes to load; a process that is given up begins anew.
        worker_proc_alive_timeout=600,
        worker_soft_shutdown_timeout=5,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": task_limit_s + VISIBILITY_MARGIN_S,
            # Keep the order given on the command line: interactive before bulk.
            "queue_order_strategy": "priority",
            # A sender that cannot connect tries once more, and no longer for six seconds.
            "max_retries": 1,
            "interval_start": 0.2,
            **access.transport_options(),
        },
        broker_use_ssl=access.tls or False,
    )
    return app


def _signature(
    app: Celery, stage: StageName, key: UUID, priority: Priority, analyzer: str
) -> Signature[None]:
    return app.signature(
        task_name(stage),
        args=(str(key),),
        immutable=True,
        options={"queue": queue_name(stage, priority, analyzer)},
    )


def ingest_message(app: Celery, job_id: UUID, priority: Priority) -> Signature[None]:
    """Return the message that starts a job."""
    return _signature(app, StageName.INGEST, job_id, priority, EVERYWHERE)


def segment_message(
    app: Celery, segment_id: UUID, stages: Sequence[StageName], priority: Priority, analyzer: str
) -> Signature[None]:
    """Return the message that runs ``stages`` of a segment one after another."""
    return chain(*(_signature(app, stage, segment_id, priority, analyzer) for stage in stages))


def publish(message: Signature[None]) -> bool:
    """Send a message; tell whether the broker took it.

    A broker that is away is no error for the sender: the janitor sends the message again.
    """
    try:
        message.apply_async(retry=False)
    except (OperationalError, redis.RedisError, OSError) as error:
        log.warning("message not sent, the janitor will: %s", type(error).__name__, extra=_ids(message))
        return False
    return True


def wake_model(app: Celery, segment_id: UUID, priority: Priority, settings: Settings) -> bool:
    """Have windows scored that are ready by now; tell whether the broker knows.

    Who takes a message scores all that is ready then: where one waits, another would find nothing to do.
    """
    with suppress(redis.RedisError):
        if broker(settings).llen(queue_name(StageName.INFERENCE, priority, EVERYWHERE)):
            return True
    return publish(segment_message(app, segment_id, (StageName.INFERENCE,), priority, EVERYWHERE))


def _ids(message: Signature[None]) -> dict[str, str]:
    """Return what log lines say of a message."""
    # A chain's are those of its first task.
    first: Any = getattr(message, "tasks", [message])[0]
    of_job = first.task == task_name(StageName.INGEST)
    return {"job_id" if of_job else "segment_id": first.args[0], "stage": first.task.rpartition(".")[2]}


def broker(settings: Settings, *, patience_s: float = SOCKET_TIMEOUT_S) -> redis.Redis:
    """Return this process's connection to the broker; it is made when it is first used."""
    return _connect(access_of(settings), patience_s)


@lru_cache(maxsize=4)
def _connect(access: BrokerAccess, patience_s: float) -> redis.Redis:
    return access.client(patience_s)


def ping(settings: Settings) -> None:
    """Raise ``redis.RedisError`` when the broker cannot be reached, or has no memory left for a message."""
    broker(settings).set(PROBE, "", ex=PROBE_LIFE_S)


def queue_lengths(settings: Settings) -> dict[str, int]:
    """Return how many messages wait in each queue; those a worker has taken are not among them.

    Raises:
        redis.RedisError: The broker cannot be reached.
    """
    names = all_queue_names()
    pipeline = broker(settings).pipeline(transaction=False)
    for name in names:
        pipeline.llen(name)
    return dict(zip(names, pipeline.execute(), strict=True))
