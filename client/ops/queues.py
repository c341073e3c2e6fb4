"""``avemotion ops queues``: what waits where, by the broker and by the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from client.ops.service import Service, open_service
from client.ops.view import EVERY_S, AsJson, Every, Watch, new_table, print_json, show
from client.ops.words import age
from shared.backlog import ReadyCount, by_queue, count_leased, count_ready, overdue
from shared.database import transact
from shared.queue import queue_lengths


@dataclass(frozen=True)
class Queue:
    """One queue.

    Attributes:
        name: Such as ``media.bulk.faces``.
        messages: Wake-ups that wait in the broker; None if it does not answer.
        ready: Units of work that may be claimed, by the tables.
        oldest_s: Seconds that the oldest of them has waited; None without any.
        leased: Units that workers hold.
        lost: Messages that seem lost; the janitor sends them again. None as ``messages``.
    """

    name: str
    messages: int | None
    ready: int
    oldest_s: float | None
    leased: int
    lost: int | None

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to say of it."""
        return not (self.messages or self.ready or self.leased)


def queues(*, watch: Watch = False, every: Every = EVERY_S, as_json: AsJson = False) -> None:
    """Show each queue: messages in the broker, ready units in the database and their age, units at work.

    Ready units without messages, for longer than the janitor takes, are messages that got lost.
    """
    with open_service() as service:
        if as_json:
            print_json([asdict(queue) for queue in read_queues(service)])
        else:
            show(lambda console: queue_table(console, read_queues(service)), watch=watch, every_s=every)


def read_queues(service: Service) -> list[Queue]:
    """Return all queues, in the order in which they are served.

    Raises:
        redis.RedisError: The broker does not answer.
    """
    return queues_of(service, queue_lengths(service.broker_settings))


def queues_of(service: Service, lengths: Mapping[str, int | None]) -> list[Queue]:
    """Return the queues of these names.

    Args:
        service: Its tables are read.
        lengths: Messages in each queue; None where that is not known.
    """

    def read(session: Session) -> tuple[dict[str, ReadyCount], dict[str, int]]:
        late = overdue(service.settings.republish_after_s)
        return by_queue(count_ready(session, late)), by_queue(count_leased(session))

    ready, leased = transact(service.engine, read)
    return [queue_of(name, length, ready.get(name), leased.get(name, 0)) for name, length in lengths.items()]


def queue_of(name: str, messages: int | None, waiting: ReadyCount | None, leased: int) -> Queue:
    """Return a queue of what was counted."""
    if waiting is None:
        return Queue(name, messages, 0, None, leased, None if messages is None else 0)
    lost = None if messages is None else waiting.missing(messages)
    return Queue(name, messages, waiting.ready, waiting.oldest_s, leased, lost)


def queue_table(console: Console, rows: Sequence[Queue]) -> Table:
    """Return the table of queues."""
    table = new_table(console, ("queue",), ("messages", "ready", "oldest", "leased", "lost"))
    for row in rows:
        table.add_row(
            row.name,
            _count(row.messages),
            _count(row.ready),
            age(row.oldest_s),
            _count(row.leased),
            _count(row.lost),
            style="red" if row.lost else "dim" if row.is_empty else None,
        )
    return table


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"
