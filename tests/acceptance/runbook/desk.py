"""An operator's desk: the page open at one incident, and a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from client.stack.services import service_environment
from shared.settings import Settings
from tests.acceptance.runbook.page import Command, commands, sections

# A folder into which what was typed and seen is written, to be pasted into the page.
TRANSCRIPTS = "AVEMOTION_TRANSCRIPTS"


@dataclass(frozen=True)
class Seen:
    """What a command did."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All that it printed."""
        return self.out + self.err


@dataclass
class Desk:
    """Runs the commands of one section, each as it stands there.

    Attributes:
        heading: Of the section.
        settings: Of the service.
        folder: Where the commands run.
    """

    heading: str
    settings: Settings
    folder: Path
    _done: set[Command] = field(default_factory=set)

    def follow(self, step: str, case: str | None = None, **ids: str) -> list[Seen]:
        """Run the commands of a step, in their order; ``ids`` are what ``$NAME`` stands for."""
        chosen = [
            each for each in commands(sections()[self.heading]) if (each.step, each.case) == (step, case)
        ]
        assert chosen, f"{self.heading} has no commands for {step}, {case}"
        return [self._run(command, ids) for command in chosen]

    def assert_all_done(self) -> None:
        """Fail unless every command of the section was run."""
        assert set(commands(sections()[self.heading])) == self._done

    def _run(self, command: Command, ids: Mapping[str, str]) -> Seen:
        done = subprocess.run(
            [sys.executable, "-m", "client.main", *command.filled_in(ids)],
            env=service_environment(self.settings),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        self._done.add(command)
        seen = Seen(command.words, done.returncode, done.stdout, done.stderr)
        self._note(command, seen)
        return seen

    def _note(self, command: Command, seen: Seen) -> None:
        folder = os.environ.get(TRANSCRIPTS)
        if folder is None:
            return
        with (Path(folder) / f"{self.heading}.txt").open("a", encoding="utf-8") as notes:
            where = command.step if command.case is None else f"{command.step}, {command.case}"
            notes.write(
                f"[{where}]\n$ avemotion {' '.join(command.words)}\n{seen.out}{seen.err}= {seen.code}\n\n"
            )
