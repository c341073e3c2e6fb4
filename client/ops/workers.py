"""``avemotion ops workers``: who is up, and what each does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from client.ops.nodes import PATIENCE_S, Node, read_nodes
from client.ops.service import open_service
from client.ops.view import EVERY_S, AsJson, Every, Watch, new_table, print_json, show
from client.ops.words import age
from client.render.text import printable

NONE = "No worker answers. `avemotion serve` starts them, or `python -m worker ROLE`; --timeout waits longer."
Timeout = Annotated[
    float, typer.Option(min=0.1, metavar="SECONDS", help="How long workers may take to answer.")
]


def workers(
    *,
    watch: Watch = False,
    every: Every = EVERY_S,
    timeout: Timeout = PATIENCE_S,
    as_json: AsJson = False,
) -> None:
    """Show the workers that are up: host, role, processes, queues, and what runs now for how long."""
    with open_service() as service:
        settings = service.broker_settings
        if as_json:
            print_json([asdict(node) for node in read_nodes(settings, timeout)])
        else:
            show(lambda console: screen(console, read_nodes(settings, timeout)), watch=watch, every_s=every)


def screen(console: Console, nodes: Sequence[Node]) -> RenderableType:
    """Return the workers as a table, a line a task."""
    if not nodes:
        return Text(NONE)
    table = new_table(console, ("host", "role", "processes", "queues", "runs", "of", "for"))
    for node in nodes:
        place = (printable(node.host), printable(node.role))
        about = (*place, str(node.processes), queues_in_short(node.queues))
        for row, task in enumerate(node.tasks or (None,)):
            runs = ("-", "", "")
            if task is not None:
                runs = (printable(task.stage), f"{task.subject} {printable(task.id)}", age(task.for_s))
            table.add_row(*(about if row == 0 else ("",) * len(about)), *runs)
    return table


def queues_in_short(names: Sequence[str]) -> str:
    """Return queues by their beginnings: ``media.interactive, media.bulk``; ``none (drained)`` for none."""
    groups = dict.fromkeys(".".join(name.split(".")[:2]) for name in names)
    return ", ".join(groups) or "none (drained)"
