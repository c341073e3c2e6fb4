"""The runbook of docs/operations.md, taken apart: what is written there is what the tests run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
STEPS = ("Shows", "Look", "Mend", "Meanwhile", "Over")
LABEL = re.compile(r"\*\*(\w+)(?:, ([^.*]+))?\.\*\*")
COMMAND = "$ avemotion "


@dataclass(frozen=True)
class Command:
    """A command of the page.

    Attributes:
        step: What it is for: ``Look``, ``Mend``, ``Over``.
        case: Which of several cases it mends; none where there is but one.
        words: What follows ``avemotion``.
    """

    step: str
    case: str | None
    words: tuple[str, ...]

    def filled_in(self, ids: Mapping[str, str]) -> list[str]:
        """Return the words with ``$NAME`` replaced by what it stands for."""
        return [ids[word.removeprefix("$")] if word.startswith("$") else word for word in self.words]


def sections() -> dict[str, str]:
    """Return the text of each incident by its heading."""
    _, _, runbook = PAGE.read_text(encoding="utf-8").partition("\n## Runbook\n")
    parts = re.split(r"(?m)^### (.+)$", re.split(r"(?m)^## ", runbook)[0])
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def labels(text: str) -> list[str]:
    """Return the steps of a section, in their order."""
    return list(dict.fromkeys(step for step, _ in LABEL.findall(text)))


def commands(text: str) -> list[Command]:
    """Return the commands in the fenced blocks of a section, in their order."""
    found: list[Command] = []
    step, case, fenced = "", None, False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced and line.startswith(COMMAND):
            found.append(Command(step, case, tuple(line.removeprefix(COMMAND).split())))
        elif not fenced and (label := LABEL.match(line)):
            step, case = label[1], label[2]
    return found


def anchor(heading: str) -> str:
    """Return the part of the page's address that leads to a heading."""
    return heading.lower().replace(" ", "-")
