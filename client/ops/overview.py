"""One look at a whole service: its parts, its figures, and what is not as it should be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from client.ops.figures import Figures, read_figures
from client.ops.nodes import Node, read_nodes
from client.ops.queues import Queue, queues_of
from client.ops.room import LEAST_FREE_BYTES, fault_of, storage_folder
from client.ops.service import Service, plain_errors, plain_storage_errors
from client.ops.stuck import find_stuck
from client.ops.words import age, number
from shared.database import transact
from shared.errors import AvemotionError, ErrorCode
from shared.janitors import find_janitors
from shared.queue import all_queue_names, ping, queue_lengths
from shared.storage import Storage
from shared.tables import Priority

T = TypeVar("T")
# The janitor sends lost messages again within seconds.
LONG_LOST_S = 60
# Somebody sits there and waits.
LONG_WAIT_S = 60
NO_JANITOR = (
    "None has shown itself for a minute: lost work is not found, nothing is purged. "
    "`python -m worker janitor` runs one, on any host."
)


@dataclass(frozen=True)
class Part:
    """Something that the service depends on.

    Attributes:
        name: What.
        ok: Whether it can be used; None where that cannot be told from here.
        told: A word on it, or a sentence on what is wrong.
    """

    name: str
    ok: bool | None
    told: str


@dataclass(frozen=True)
class Overview:
    """One look at a service.

    Attributes:
        parts: What it depends on.
        figures: None while the database does not answer.
        queues: The same.
        nodes: The workers that are up; None while the broker does not answer.
        faults: Sentences on what is not as it should be; none if all is well.
    """

    parts: tuple[Part, ...]
    figures: Figures | None
    queues: tuple[Queue, ...] | None
    nodes: tuple[Node, ...] | None
    faults: tuple[str, ...]


def look(service: Service) -> Overview:
    """Look at a whole service; what does not answer is left out and said to be down."""
    ttl_s = service.settings.job_ttl_s
    database, figures = tried(
        "database", lambda: transact(service.engine, lambda session: read_figures(session, ttl_s))
    )
    broker, lengths = tried("broker", lambda: ask_broker(service))
    parts = [database, broker, look_at_storage(service), look_for_janitor(service, known=lengths is not None)]
    queues: Sequence[Queue] | None = None
    if figures is not None:
        waiting = dict(lengths) if lengths is not None else dict.fromkeys(all_queue_names())
        queues = tried("database", lambda: queues_of(service, waiting))[1]
    nodes = None if lengths is None else tried("broker", lambda: read_nodes(service.settings))[1]
    stuck = None if nodes is None else tried("database", lambda: find_stuck(service, nodes))[1]
    faults = faults_of(parts, queues, nodes) + bugs_in(figures)
    faults += [f"{each}; `avemotion ops unstick`." for each in stuck or ()]
    return Overview(
        tuple(parts),
        figures,
        None if queues is None else tuple(queues),
        None if nodes is None else tuple(nodes),
        tuple(faults),
    )


def tried(name: str, read: Callable[[], T]) -> tuple[Part, T | None]:
    """Return how reading from a part went, and what was read."""
    try:
        with plain_errors(), plain_storage_errors():
            found = read()
    except AvemotionError as error:
        return Part(name, ok=False, told=error.message), None
    return Part(name, ok=True, told="answers"), found


def ask_broker(service: Service) -> dict[str, int]:
    """Return the messages in each queue of a broker that takes more of them.

    Raises:
        redis.RedisError: It does not answer, or takes none.
    """
    ping(service.broker_settings)
    return queue_lengths(service.broker_settings)


def look_at_storage(service: Service) -> Part:
    """Return whether the storage can be reached and has room; a folder on another machine cannot be seen."""
    try:
        storage: Storage = service.open_storage()
    except AvemotionError as error:
        return Part("storage", ok=None, told=f"not seen from here. {error.message}")
    part = tried("storage", storage.ping)[0]
    folder = storage_folder(service.settings)
    if part.ok and folder is not None:
        fault = fault_of("storage", folder, LEAST_FREE_BYTES)
        return part if fault is None else Part("storage", ok=False, told=fault)
    return part


def look_for_janitor(service: Service, *, known: bool) -> Part:
    """Return where a janitor has shown itself lately.

    Args:
        service: Where to look.
        known: Whether the broker answers, in which those of all hosts show themselves.
    """
    if known:
        hosts = tried("broker", lambda: find_janitors(service.settings))[1]
        if hosts:
            return Part("janitor", ok=True, told=f"alive on {', '.join(hosts)}")
    try:
        from worker.liveness import is_alive  # noqa: PLC0415 - the API's image has no workers
    except ImportError:
        pass
    else:
        if is_alive("janitor"):
            return Part("janitor", ok=True, told="alive on this machine")
    if known:
        return Part("janitor", ok=False, told=NO_JANITOR)
    return Part("janitor", ok=None, told="not seen from here while the broker is away")


def faults_of(
    parts: Sequence[Part], queues: Sequence[Queue] | None, nodes: Sequence[Node] | None
) -> list[str]:
    """Return a sentence on each thing that is not as it should be."""
    faults = [f"{part.name}: {part.told}" for part in parts if part.ok is False]
    if queues is None:
        return faults
    if nodes is not None:
        faults += [
            f"{queue.name}: {waiting_words(queue)}, and no worker takes from it."
            for queue in unserved(queues, nodes)
        ]
        faults += [
            f"{queue.name}: {waiting_words(queue)}, the oldest for {age(queue.oldest_s)}: too few workers, or"
            " stuck ones; `avemotion ops workers` shows what each does."
            for queue in queues
            if is_slow(queue) and not queue.lost and queue not in unserved(queues, nodes)
        ]
    faults += [
        f"{queue.name}: {number(queue.lost, 'message')} lost for {age(queue.oldest_s)}; is a janitor running?"
        for queue in queues
        if queue.lost and (queue.oldest_s or 0) > LONG_LOST_S
    ]
    return faults


def bugs_in(figures: Figures | None) -> list[str]:
    """Return a sentence if jobs ended lately in what nobody thought of."""
    code = ErrorCode.INTERNAL_ERROR.code
    jobs = sum(each.jobs for each in figures.ended if each.error_code == code) if figures else 0
    if not jobs:
        return []
    told = f"{number(jobs, 'job')} of the last hour ended in {code}"
    return [
        f"{told}: is the release bad? `avemotion ops jobs --code {code}`; the worker's log has the cause."
    ]


def is_slow(queue: Queue) -> bool:
    """Tell whether somebody has been waiting in a queue for long."""
    return f".{Priority.INTERACTIVE.value}." in queue.name and (queue.oldest_s or 0) > LONG_WAIT_S


def unserved(queues: Sequence[Queue], nodes: Sequence[Node]) -> list[Queue]:
    """Return the queues in which something waits and from which no worker takes."""
    served = {name for node in nodes for name in node.queues}
    return [queue for queue in queues if (queue.ready or queue.messages) and queue.name not in served]


def waiting_words(queue: Queue) -> str:
    """Return what waits in a queue; there may be messages of work that has been done or cancelled."""
    ready = f"{number(queue.ready, 'unit')} of work ready"
    return ready if queue.messages is None else f"{ready}, {number(queue.messages, 'message')}"
