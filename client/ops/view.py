"""What the commands show: tables, a document for machines, a live view."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from shared.errors import AvemotionError

Watch = Annotated[bool, typer.Option("--watch", "-w", help="Show it again and again, until Ctrl-C.")]
Every = Annotated[float, typer.Option(min=0.2, metavar="SECONDS", help="Pause between two looks of --watch.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON document, for machines.")]
EVERY_S = 2.0
# How soon Ctrl-C is heard between two looks.
LOOK_S = 0.1
# Ids and queues' names are for copying: a pipe takes them whole.
PIPE_CELLS = 200


def open_console() -> Console:
    """Return the console; what is no terminal is as wide as any line."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_CELLS)


def new_table(console: Console, left: Sequence[str], right: Sequence[str] = ()) -> Table:
    """Return an empty table, ruled on a terminal and plain elsewhere.

    Args:
        console: Where it goes.
        left: Titles of columns of words, which come first.
        right: Titles of columns of numbers.
    """
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    for title in left:
        table.add_column(title, no_wrap=True)
    for title in right:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def print_json(document: Any) -> None:
    """Print a document on stdout."""
    typer.echo(json.dumps(document, indent=2, default=str))


def show(draw: Callable[[Console], RenderableType], *, watch: bool, every_s: float) -> None:
    """Print what ``draw`` returns, or show it again and again until Ctrl-C.

    In a live view an error is shown, and does not end it: servers come back.
    """
    console = open_console()
    if not watch:
        console.print(draw(console), soft_wrap=not console.is_terminal)
        return
    with (
        _told_to_stop() as told,
        Live(console=console, screen=console.is_terminal, auto_refresh=False) as live,
    ):
        while not told:
            live.update(_drawn(draw, console), refresh=True)
            again = time.monotonic() + every_s
            while not told and time.monotonic() < again:
                time.sleep(min(LOOK_S, every_s))


@contextmanager
def _told_to_stop() -> Iterator[list[int]]:
    """Yield a list that holds something once Ctrl-C was pressed; the second time it interrupts as ever.

    An exception could come amid code of the servers' libraries that takes it for something else.
    """
    told: list[int] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        if told:
            raise KeyboardInterrupt
        told.append(number)

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield told
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGINT, before)


def _drawn(draw: Callable[[Console], RenderableType], console: Console) -> RenderableType:
    try:
        return draw(console)
    except AvemotionError as error:
        return Text(f"{error.code.code}: {error.message}", style="red")
