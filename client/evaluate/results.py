"""Reading a file of results: CSV, JSON lines or Parquet, a row at a time."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.parquet import check_parquet
from client.render.text import display_path
from shared.errors import AvemotionError
from training.evaluation.faults import invalid

Row = Mapping[str, Any]

BATCH_ROWS = 4096


@dataclass(frozen=True)
class Results:
    """A file of results.

    Attributes:
        name: The file's, safe to print.
        columns: Of all rows together.
        rows: Yields each row, by column: text from CSV, values from the other formats.
    """

    name: str
    columns: tuple[str, ...]
    rows: Callable[[], Iterator[Row]]


def open_results(path: Path) -> Results:
    """Return the results in a file; its name says which format it has.

    Raises:
        AvemotionError: ``INVALID_DATASET``: the file is missing, cannot be read, is of another kind, or
            holds no row. Reading the rows raises the same.
    """
    read = FORMATS.get(path.suffix.lower())
    if read is None:
        raise invalid(
            f"{display_path(path)} does not say what it is: the name of a file of results ends in .csv,"
            " .jsonl or .parquet."
        )

    def rows() -> Iterator[Row]:
        try:
            yield from read(path)
        except FileNotFoundError as error:
            raise invalid(f"There is no file {display_path(path)}.") from error
        except OSError as error:
            raise invalid(f"{display_path(path)} cannot be read: {error.strerror or error}.") from error
        except (ValueError, csv.Error) as error:
            kind = path.suffix.lower().removeprefix(".")
            raise invalid(f"{display_path(path)} cannot be read as {kind} ({error}).") from error

    columns: dict[str, None] = {}
    for row in rows():
        columns.update(dict.fromkeys(row))
    if not columns:
        raise invalid(f"{display_path(path)} holds no row, so there is nothing to evaluate.")
    return Results(display_path(path), tuple(columns), rows)


def refuse_row(results: Results, number: int, reason: str) -> AvemotionError:
    """Return the error of a row, counted from 1."""
    return invalid(f"Row {number} of {results.name}: {reason}")


def _read_csv(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        for row in reader:
            if None in row or None in row.values():
                message = f"line {reader.line_num} has not as many values as the first one"
                raise ValueError(message)
            yield row


def _read_lines(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                row = json.loads(line)
                if not isinstance(row, dict):
                    message = f"line {number} is no object"
                    raise ValueError(message)
                yield row


def _read_parquet(path: Path) -> Iterator[Row]:
    check_parquet()
    from pyarrow import parquet  # noqa: PLC0415 - other formats do without

    with path.open("rb") as raw, parquet.ParquetFile(raw) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            yield from batch.to_pylist()


FORMATS: Mapping[str, Callable[[Path], Iterator[Row]]] = {
    ".csv": _read_csv,
    ".jsonl": _read_lines,
    ".ndjson": _read_lines,
    ".parquet": _read_parquet,
}
