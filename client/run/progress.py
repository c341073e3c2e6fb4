"""What is shown while clips are scored: a bar each in a terminal, a few lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.table import Column

from client.render.text import span

NAME_CELLS = 28
STAGE_CELLS = 9
STARTING = "starting"


class Progress(Protocol):
    """Is told how far each clip is."""

    def start(self) -> None:
        """Show that the service is being started."""

    def update(self, index: int, stage: str, share: float) -> None:
        """Show the stage and the share of the work (0 to 1) of the clip at ``index``."""

    def end(self, index: int, *, succeeded: bool) -> None:
        """Show that the clip has ended."""

    def stop(self) -> None:
        """Leave the terminal to others; may be called more than once."""


def make_progress(console: Console, names: Sequence[str]) -> Progress:
    """Return what suits the console; ``names`` are safe to print."""
    return Bars(console, names) if console.is_interactive else Lines(console, names)


class Bars:
    """One bar a clip, redrawn in place."""

    def __init__(self, console: Console, names: Sequence[str]) -> None:
        """Prepare a bar for each name."""
        cut = Column(no_wrap=True, overflow="ellipsis", max_width=NAME_CELLS)
        self._bars = RichProgress(
            # A name is text of unknown origin, never markup.
            TextColumn("{task.description}", markup=False, table_column=cut),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.fields[stage]}", markup=False, table_column=Column(min_width=STAGE_CELLS)),
            TimeElapsedColumn(),
            console=console,
            expand=console.width <= 100,  # noqa: PLR2004 - a wider bar tells no more
        )
        # No total yet: the bar moves to and fro while the service starts.
        self._ids = [self._bars.add_task(name, total=None, stage=STARTING) for name in names]

    def start(self) -> None:
        """Draw the bars."""
        self._bars.start()

    def update(self, index: int, stage: str, share: float) -> None:
        """Move a bar."""
        self._bars.update(self._ids[index], completed=share, total=1.0, stage=stage)

    def end(self, index: int, *, succeeded: bool) -> None:
        """Fill a bar, or leave it where it broke off."""
        task = self._ids[index]
        if succeeded:
            self._bars.update(task, completed=1.0, total=1.0, stage="done")
        else:
            self._bars.update(task, stage="failed")
            self._bars.stop_task(task)

    def stop(self) -> None:
        """Draw the bars for the last time."""
        self._bars.stop()


class Lines:
    """A line when a clip enters a stage for the first time: fit for a log."""

    def __init__(self, console: Console, names: Sequence[str]) -> None:
        """Prepare; nothing is written yet."""
        self._console = console
        self._names = names
        self._seen: set[tuple[int, str]] = set()
        self._started_at = time.monotonic()

    def start(self) -> None:
        """Say that the service is being started."""
        self._say("starting the service")

    def update(self, index: int, stage: str, share: float) -> None:  # noqa: ARG002 - as in Progress
        """Name a new stage; parts of a long clip may be in different stages, back and forth."""
        if (index, stage) not in self._seen:
            self._seen.add((index, stage))
            self._say(f"{self._names[index]}: {stage}")

    def end(self, index: int, *, succeeded: bool) -> None:
        """Say how it ended and when."""
        word = "done" if succeeded else "failed"
        self._say(f"{self._names[index]}: {word} after {span(time.monotonic() - self._started_at)}")

    def stop(self) -> None:
        """Do nothing: lines stay."""

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)
