"""A manifest: a CSV that names clips, and what is to stand beside their results."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from client.render.text import display_path, printable
from client.score.items import Cell, Item, invalid
from shared.rows import PROBABILITY, columns_of

SUFFIX = ".csv"
PATH, AUDIO = "path", "audio"
TRUE = "true_"
ANSWERS = frozenset({"emotion", "valence", "arousal"})
"""What a manifest says of these is what is true, and what a result says is the answer."""
OTHERS = "manifest_"
"""Before any other column that results have too."""


def is_manifest(path: Path) -> bool:
    """Tell whether a path of the command line is a manifest: a CSV is no media."""
    return path.suffix.lower() == SUFFIX


def read_manifest(path: Path) -> tuple[list[Item], tuple[str, ...]]:
    """Return the clips of a manifest and the columns that they carry.

    Paths are relative to the manifest's folder; the column ``audio`` names sound to use in place of a video's
    own. The columns ``emotion``, ``valence`` and ``arousal`` are carried as ``true_emotion`` and so on.

    Raises:
        AvemotionError: ``INVALID_REQUEST``: it cannot be read, has no column ``path``, or names a clip twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _read(csv.reader(file, strict=True), path)
    except FileNotFoundError as error:
        raise invalid(f"There is no manifest {display_path(path)}.") from error
    except OSError as error:
        raise invalid(f"{display_path(path)} cannot be read: {error.strerror or error}.") from error
    except (ValueError, csv.Error) as error:
        raise invalid(f"{display_path(path)} cannot be read as CSV in UTF-8 ({error}).") from error


def carried_name(column: str) -> str:
    """Return what a column of a manifest is called in results, where another may have its name."""
    if column in ANSWERS:
        return TRUE + column
    if column in columns_of(()) or column.startswith(PROBABILITY):
        return OTHERS + column
    return column


def _read(rows: Iterator[list[str]], path: Path) -> tuple[list[Item], tuple[str, ...]]:
    shown = display_path(path)
    names = [name.strip() for name in next(rows, [])]
    if PATH not in names:
        found = f"it has {printable(', '.join(names))}" if any(names) else "it is empty"
        raise invalid(f"{shown} has no column path, so it names no clips; {found}.")
    carried = {name: carried_name(name) for name in names if name != PATH}
    if len(set(names)) < len(names) or len(set(carried.values())) < len(carried) or "" in names:
        raise invalid(f"Each column of {shown} needs a name of its own.")
    items: dict[str, Item] = {}
    for number, cells in enumerate(rows, start=2):
        if not cells:
            continue
        if len(cells) != len(names):
            raise invalid(f"Row {number} of {shown} has {len(cells)} values, and its first row {len(names)}.")
        row = dict(zip(names, (cell.strip() for cell in cells), strict=True))
        if not row[PATH]:
            raise invalid(f"Row {number} of {shown} names no clip.")
        if row[PATH] in items:
            raise invalid(f"{shown} names {printable(row[PATH])} twice.")
        beside: dict[str, Cell] = {name: row[column] or None for column, name in carried.items()}
        sound = path.parent / row[AUDIO] if row.get(AUDIO) else None
        items[row[PATH]] = Item(row[PATH], path.parent / row[PATH], sound, beside)
    if not items:
        raise invalid(f"{shown} names no clip.")
    return list(items.values()), tuple(carried.values())
