"""``avemotion ops drain``: let a worker end what it has begun, and give it nothing new."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import typer
from celery import Celery

from client.ops.nodes import ANSWER_S, PATIENCE_S, Node, describe, find_names, open_app
from client.ops.selection import Yes
from client.ops.service import open_service
from client.ops.words import ask, number
from client.ops.workers import NONE, Timeout
from client.render.text import printable
from shared.analyzers import working_analyzers
from shared.errors import AvemotionError, ErrorCode
from shared.queue import INFERENCE, MEDIA, PRIORITIES, queue_names
from shared.settings import Settings
from shared.tables import Priority

LOOK_EVERY_S = 1.0
# As in worker/__main__.py, whose code is not where this may run.
EXPRESS = "express"


def drain(
    worker: Annotated[
        str | None,
        typer.Argument(metavar="[WORKER]", help="ROLE@HOST as `workers` shows it, or a role; all without."),
    ] = None,
    *,
    off: Annotated[bool, typer.Option("--off", help="Let it take work again.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when it has nothing left to do.")] = False,
    timeout: Timeout = PATIENCE_S,
    yes: Yes = False,
) -> None:
    """Stop a worker from taking new work: what it has begun it ends. A restart undoes it."""
    with open_service() as service:
        settings = service.broker_settings
        app = open_app(settings)
        names = choose(find_names(app, timeout), worker)
        nodes = describe(app, names)
        if off:
            for node in nodes:
                take_again(app, node, settings)
                typer.echo(f"{printable(node.name)} takes work again.", err=True)
            return
        ask(len(nodes), f"{number(len(nodes), 'worker')} would take no new work. Go on?", yes=yes)
        for node in nodes:
            stop_taking(app, node)
        busy = tell(describe(app, names))
        while wait and busy:
            time.sleep(LOOK_EVERY_S)
            busy = [node.name for node in describe(app, busy) if not is_idle(node)]
        if wait:
            typer.echo("Nothing left to do.", err=True)


def choose(names: Sequence[str], worker: str | None) -> list[str]:
    """Return the workers that are meant, by name or by role.

    Raises:
        AvemotionError: There is none.
    """
    chosen = [name for name in names if worker in {None, name, name.partition("@")[0]}]
    if chosen:
        return chosen
    if not names:
        raise AvemotionError(ErrorCode.NOT_FOUND, NONE)
    raise AvemotionError(
        ErrorCode.NOT_FOUND,
        f"No worker is called {worker!r}; there are {', '.join(names)}.",
    )


def queues_of_role(role: str, analyzers: Sequence[str]) -> list[str]:
    """Return the queues that a worker serves from its start, in their order."""
    resource = INFERENCE if role == INFERENCE else MEDIA
    priorities = (Priority.INTERACTIVE,) if role == EXPRESS else PRIORITIES
    return queue_names(resource, analyzers, priorities)


def stop_taking(app: Celery, node: Node) -> None:
    """Have a worker take from no queue, and wait until it says so."""
    for queue in node.queues:
        app.control.cancel_consumer(queue, destination=[node.name], reply=True, timeout=ANSWER_S, limit=1)


def take_again(app: Celery, node: Node, settings: Settings) -> None:
    """Have a worker take from the queues of its role again, in their order."""
    ask = app.control.inspect(destination=[node.name], timeout=ANSWER_S, limit=1)
    for queue in queues_of_role(node.role, working_analyzers(settings, node.name)):
        app.control.add_consumer(queue, destination=[node.name], reply=True, timeout=ANSWER_S, limit=1)
        # It answers before it begins, and of what it is to begin with at once it takes any first.
        until = time.monotonic() + ANSWER_S
        while time.monotonic() < until:
            served = (ask.active_queues() or {}).get(node.name) or ()
            if any(each["name"] == queue for each in served):
                break


def is_idle(node: Node) -> bool:
    """Tell whether a worker has nothing that it runs or holds."""
    return not node.tasks and not node.taken


def tell(nodes: Sequence[Node]) -> list[str]:
    """Say of each worker what it still does; return the names of those that do something."""
    for node in nodes:
        left = number(len(node.tasks) + node.taken, "task is", "tasks are")
        words = "has nothing left to do" if is_idle(node) else f"{left} left to end"
        typer.echo(f"{printable(node.name)} takes no new work: {words}.", err=True)
    return [node.name for node in nodes if not is_idle(node)]
