"""``avemotion ops status``: one screen on a whole service."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from client.ops.figures import Figures
from client.ops.nodes import Node
from client.ops.overview import Overview, Part, look
from client.ops.queues import queue_table
from client.ops.service import open_service
from client.ops.view import EVERY_S, AsJson, Every, Watch, print_json, show
from client.render.text import printable

NAME_CELLS = 10
MARKS = {True: ("ok", "green"), False: ("DOWN", "red"), None: ("-", "dim")}


def status(*, watch: Watch = False, every: Every = EVERY_S, as_json: AsJson = False) -> None:
    """Show a whole service: what answers, jobs, queues, workers, webhooks.

    Exit status: 1 if something is not as it should be, which a sentence says.
    """
    with open_service() as service:
        seen: list[Overview] = []

        def draw(console: Console) -> RenderableType:
            seen[:] = [look(service)]
            return screen(console, seen[0])

        if as_json:
            seen.append(look(service))
            print_json(asdict(seen[0]))
        else:
            show(draw, watch=watch, every_s=every)
        if not watch and seen[0].faults:
            raise typer.Exit(1)


def screen(console: Console, overview: Overview) -> RenderableType:
    """Return an overview as one screen."""
    shown: list[RenderableType] = [_parts(overview.parts), Text()]
    if overview.figures is not None:
        shown += [*figures_lines(overview.figures), *_workers(overview.nodes), Text()]
    if overview.queues is not None:
        busy = [queue for queue in overview.queues if not queue.is_empty]
        shown.append(queue_table(console, busy) if busy else Text("All queues are empty.", style="dim"))
    if overview.faults:
        shown += [Text(), *(Text(printable(fault), style="red") for fault in overview.faults)]
    return Group(*shown)


def figures_lines(figures: Figures) -> list[Text]:
    """Return what the tables say, a line a subject."""
    unfinished = ", ".join(f"{count:,} {status}" for status, count in figures.open.items())
    ended = ", ".join(f"{each.jobs:,} {each.error_code or each.status}" for each in figures.ended)
    webhooks = (
        f"{figures.webhooks.get('pending', 0):,} waiting, {figures.webhooks.get('failed', 0):,} given up"
    )
    return [_line("jobs", unfinished), _line("last hour", ended or "none ended"), _line("webhooks", webhooks)]


def _workers(nodes: tuple[Node, ...] | None) -> list[Text]:
    if nodes is None:
        return []
    told = ", ".join(f"{node.name} ({len(node.tasks)} of {node.processes} at work)" for node in nodes)
    return [_line("workers", printable(told) or "none answer")]


def _parts(parts: tuple[Part, ...]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    for part in parts:
        word, style = MARKS[part.ok]
        mark = Text(f"{word:<4}", style=style)
        table.add_row(f"{part.name:<{NAME_CELLS}}", mark, Text(printable(part.told)))
    return table


def _line(name: str, told: str) -> Text:
    return Text(f"{name:<{NAME_CELLS}} {told}")
