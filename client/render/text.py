"""Text of unknown origin, made safe to print, and numbers made easy to read."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from rich.cells import cell_len, set_cell_size

# Joins the parts of an emoji; every other character of its category can disguise a text.
ZERO_WIDTH_JOINER = "\u200d"
# Control, format (such as right-to-left override), surrogate, private, unassigned, line separators.
UNSAFE_CATEGORIES = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
NAME_CELLS = 60
MINUTE_S = 60
HOUR_S = 3600


def printable(text: str, *, keep: str = "") -> str:
    """Return ``text`` with everything that could steer a terminal written as an escape.

    Args:
        text: Anything: a file's name, a message of a server.
        keep: Characters to leave as they are, such as a line feed.
    """
    return "".join(
        character if character in keep or _is_safe(character) else _escape(character) for character in text
    )


def display_name(path: Path, *, cells: int = NAME_CELLS) -> str:
    """Return a file's name, safe to print, at most ``cells`` wide; bytes that are no text are escaped."""
    name = display_path(Path(path.name or path))
    if cell_len(name) <= cells:
        return name
    # The end tells takes of one recording apart, so the middle goes.
    head, tail = cells - cells // 3 - 1, cells // 3
    return f"{set_cell_size(name, head).rstrip()}…{set_cell_size(name[::-1], tail)[::-1].lstrip()}"


def display_path(path: Path) -> str:
    """Return a path as it was given, safe to print; bytes that are no text are escaped."""
    return printable(os.fsencode(path).decode("utf-8", "backslashreplace"))


def clock(seconds: float) -> str:
    """Return a time in a clip as ``m:ss`` or ``h:mm:ss``; below ten seconds with a tenth."""
    tenths = round(seconds * 10)
    if tenths < 100 and tenths % 10:  # noqa: PLR2004 - ten seconds, as the docstring says
        return f"0:{tenths / 10:04.1f}"
    whole = round(seconds)
    hours, minutes, rest = whole // HOUR_S, whole % HOUR_S // MINUTE_S, whole % MINUTE_S
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def span(seconds: float) -> str:
    """Return a length of time as people write it: ``0.45 s``, ``12.3 s``, ``3 min 20 s``."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < MINUTE_S:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), MINUTE_S)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def _is_safe(character: str) -> bool:
    return character == ZERO_WIDTH_JOINER or unicodedata.category(character) not in UNSAFE_CATEGORIES


def _escape(character: str) -> str:
    known = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if character in known:
        return known[character]
    number = ord(character)
    if number <= 0xFF:  # noqa: PLR2004 - what two hex digits hold
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 - the same, four
