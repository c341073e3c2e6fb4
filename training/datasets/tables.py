"""Tables that come with data sets: CSV and Excel, with a sentence for each that cannot be read."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from shared.errors import AvemotionError, ErrorCode

NAMED = 3
"""How many names a sentence gives as examples."""


def invalid(message: str) -> AvemotionError:
    """Return the error that says what is wrong with a data set."""
    return AvemotionError(ErrorCode.INVALID_DATASET, message)


def first(names: Iterable[object]) -> str:
    """Return the first few names, and how many there are more."""
    listed = [str(name) for name in names]
    more = f" and {len(listed) - NAMED:,} more" if len(listed) > NAMED else ""
    return ", ".join(listed[:NAMED]) + more


def read_csv(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a CSV file, as UTF-8 with or without a mark; names and values are stripped.

    Args:
        path: The file.
        columns: That must be there; others come along.

    Raises:
        AvemotionError: ``INVALID_DATASET``: the file is not there, not text, lacks a column, or a row is
            longer or shorter than the first.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row]
    except FileNotFoundError as error:
        raise invalid(f"There is no file {path}.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise invalid(f"{path} cannot be read as CSV in UTF-8 ({error}).") from error
    names = rows[0] if rows else []
    lacking = [column for column in columns if column not in names]
    if lacking:
        found = f"it has {', '.join(names)}" if any(names) else "it is empty"
        raise invalid(f"{path} has no column {' and no column '.join(lacking)}; {found}.")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise invalid(f"Row {number} of {path} has {len(row)} values, and its first row {len(names)}.")
    return [dict(zip(names, row, strict=True)) for row in rows[1:]]


def read_xlsx(path: Path) -> list[tuple[Any, ...]]:
    """Return the rows of the first sheet of an Excel file: strings, numbers, None.

    Raises:
        AvemotionError: ``INVALID_DATASET``: the file is no workbook that can be read.
    """
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            return list(book.worksheets[0].iter_rows(values_only=True))
        finally:
            book.close()
    except (OSError, BadZipFile, InvalidFileException, KeyError, ValueError, TypeError, IndexError) as error:
        raise invalid(f"{path} cannot be read as an Excel workbook ({error}).") from error
