"""What is shown while a batch runs: one bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from client.render.text import span
from client.score.tally import Tally

LINE_EVERY_S = 10.0
# Over which the rate is measured: inference comes in bursts.
RATE_SPAN_S = 60.0


class Progress(Protocol):
    """Is told how far the run is."""

    def start(self) -> None:
        """Show that the service is being looked for, or started."""

    def update(self, tally: Tally) -> None:
        """Show how far the run is."""

    def stop(self) -> None:
        """Leave the terminal to others; may be called more than once."""


def make_progress(console: Console, total: int) -> Progress:
    """Return what suits the console."""
    return Bar(console, total) if console.is_interactive else Lines(console, total)


class Rate(ProgressColumn):
    """Clips a second."""

    def render(self, task: Task) -> Text:
        """Return the rate, or nothing while it is not known."""
        return Text(f"{task.speed:.1f} clips/s" if task.speed else "")


class Bar:
    """One bar, redrawn in place: clips, clips a second, time left, failures by code."""

    def __init__(self, console: Console, total: int) -> None:
        """Prepare; nothing is drawn yet."""
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            Rate(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[failures]}", style="red", markup=False),
            console=console,
            expand=console.width <= 100,  # noqa: PLR2004 - a wider bar tells no more
            speed_estimate_period=RATE_SPAN_S,
        )
        self._total = total
        self._begun = False
        # No total yet: the bar moves to and fro while the service starts.
        self._id = self._bar.add_task("starting", total=None, failures="")

    def start(self) -> None:
        """Draw the bar."""
        self._bar.start()

    def update(self, tally: Tally) -> None:
        """Move the bar; what had ended before does not count as speed."""
        if not self._begun:
            self._begun = True
            self._bar.reset(self._id, total=self._total, completed=tally.ended)
        description = "sending" if tally.sent + tally.faults.total() < self._total else "scoring"
        self._bar.update(
            self._id, completed=tally.ended, description=description, failures=tally.failures, refresh=True
        )

    def stop(self) -> None:
        """Draw the bar for the last time."""
        self._bar.stop()


class Lines:
    """A line every few seconds, and one for the first and the last news: fit for a log."""

    def __init__(self, console: Console, total: int) -> None:
        """Prepare; nothing is written yet."""
        self._console = console
        self._total = total
        self._first: tuple[float, int] | None = None
        self._said_at = float("-inf")

    def start(self) -> None:
        """Say that it begins."""
        self._say(f"{self._total:,} clips; starting")

    def update(self, tally: Tally) -> None:
        """Say how far the run is, if that was not said just now."""
        now = time.monotonic()
        if self._first is None:
            self._first = (now, tally.ended)
        if now - self._said_at < LINE_EVERY_S and tally.ended < self._total:
            return
        self._said_at = now
        begun, before = self._first
        rate = (tally.ended - before) / max(now - begun, 1.0)
        parts = [f"{tally.ended:,} of {self._total:,} clips", f"{tally.sent:,} sent"]
        if rate:
            parts += [f"{rate:.1f} clips/s", f"about {span((self._total - tally.ended) / rate)} left"]
        self._say(", ".join([*parts, *([tally.failures] if tally.failures else [])]))

    def stop(self) -> None:
        """Do nothing: lines stay."""

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)
