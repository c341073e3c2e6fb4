"""Writing a file of results: CSV, JSON lines or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from client.parquet import check_parquet
from client.render.text import display_path
from client.score.items import invalid
from shared.cells import cell_of
from shared.outputs import check_output

Row = Mapping[str, Any]
Types = Mapping[str, type]
"""The type of each column, in order: ``str``, ``float``, ``int`` or ``bool``; a cell may be None too."""

GROUP_ROWS = 10_000


def check_format(path: Path) -> None:
    """Refuse a place or a name that results cannot be written to, before work is spent on them.

    Raises:
        AvemotionError: ``INVALID_REQUEST``.
    """
    if path.suffix not in WRITERS:
        raise invalid(f"{display_path(path)} cannot be written: its name must end in {', '.join(WRITERS)}.")
    if path.suffix == ".parquet":
        check_parquet()
    check_output(path, path.suffix)


def write_rows(path: Path, suffix: str, types: Types, rows: Iterable[Row]) -> None:
    """Write rows.

    Args:
        path: Where to.
        suffix: The format.
        types: The columns.
        rows: With a value, or none, for each column.

    Raises:
        OSError: It cannot be written.
    """
    WRITERS[suffix](path, types, rows)


def types_of(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, type]:
    """Return the types of columns by their values: numbers where each value is one, else text."""
    found: dict[str, type] = {}
    for column in columns:
        kinds = {type(row.get(column)) for row in rows} - {type(None)}
        found[column] = int if kinds == {int} else float if kinds and kinds <= {int, float} else str
    return found


def _write_csv(path: Path, types: Types, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([cell_of(column) for column in types])
        writer.writerows([cell_of(row.get(column)) for column in types] for row in rows)


def _write_lines(path: Path, types: Types, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({name: row.get(name) for name in types}) + "\n" for row in rows)


def _write_parquet(path: Path, types: Types, rows: Iterable[Row]) -> None:
    import pyarrow as pa  # noqa: PLC0415 - other formats do without
    from pyarrow import parquet  # noqa: PLC0415 - the same

    kinds = {str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in types.items()])
    with parquet.ParquetWriter(path, schema) as writer:
        for group in _groups(rows):
            writer.write_table(
                pa.Table.from_pylist([{name: row.get(name) for name in types} for row in group], schema)
            )


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while group := list(islice(left, GROUP_ROWS)):
        yield group


WRITERS: Mapping[str, Callable[[Path, Types, Iterable[Row]], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_lines,
    ".parquet": _write_parquet,
}
