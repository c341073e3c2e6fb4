"""What is to be scored: a list of clips, each with what is to stand beside its result."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shared.errors import AvemotionError, ErrorCode

Cell = str | float | int | None


@dataclass(frozen=True)
class Item:
    """One clip of a batch.

    Attributes:
        reference: Its path as it was given, in text that any server takes; unique in a run.
        path: Where it is.
        audio: Sound to use in place of its own.
        beside: What the results are to carry, by column.
    """

    reference: str
    path: Path
    audio: Path | None = None
    beside: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True)
class Selection:
    """All clips of a run.

    Attributes:
        items: In the order of the results.
        columns: That they carry, in the order of the results.
        passed_over: How many files in folders were no media.
        notes: What their owner should know, a sentence each.
    """

    items: Sequence[Item]
    columns: tuple[str, ...] = ()
    passed_over: int = 0
    notes: tuple[str, ...] = ()


def reference_of(path: Path) -> str:
    """Return a path as text; bytes that are no text are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def invalid(message: str) -> AvemotionError:
    """Return the error of a command that cannot be followed."""
    return AvemotionError(ErrorCode.INVALID_REQUEST, message)
