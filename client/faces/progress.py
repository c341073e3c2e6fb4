"""How far the analyzer of one clip is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

Frame = TypeVar("Frame")


class FrameProgress:
    """A bar of the frames that were read, and one of those that were analyzed where that comes later.

    Shown on a terminal alone.
    """

    def __init__(self, console: Console, frames: int) -> None:
        """Prepare for so many frames, about."""
        self._frames = max(1, frames)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_interactive,
        )
        self._read = self._bars.add_task("frames", total=self._frames)
        self._analyzed: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin to show."""
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        self._bars.stop()

    def counted(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Yield frames and show how many there were."""
        for frame in frames:
            yield frame
            self._bars.advance(self._read)

    def analyzed(self, share: float) -> None:
        """Show which share of the frames is analyzed, 0 to 1."""
        if self._analyzed is None:
            self._analyzed = self._bars.add_task("faces", total=1.0)
        self._bars.update(self._analyzed, completed=share)
