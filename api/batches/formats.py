"""Rows as files: CSV, JSON lines and Parquet, piece by piece, with memory that does not grow."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from api.answers import encode
from shared.cells import cell_of
from shared.errors import AvemotionError, ErrorCode
from shared.rows import type_of

PIECE_ROWS = 200
# Parquet keeps each group of rows whole, and readers load it whole.
GROUP_ROWS = 4000

Row = dict[str, Any]
Format = Callable[[Sequence[str], Iterable[Row]], Iterator[bytes]]


def csv_pieces(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield rows as CSV (RFC 4180, UTF-8) with a header; what is not known is empty."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(columns)
    for some in in_groups(rows, PIECE_ROWS):
        writer.writerows([cell_of(value) for value in row.values()] for row in some)
        yield table.getvalue().encode()
        table.seek(0)
        table.truncate()
    yield table.getvalue().encode()


def json_lines(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:  # noqa: ARG001 - as all formats
    """Yield rows as one JSON object a line."""
    for some in in_groups(rows, PIECE_ROWS):
        yield "".join(f"{encode(row)}\n" for row in some).encode()


def parquet_pieces(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """Return rows as a Parquet file with typed columns.

    Raises:
        AvemotionError: This server cannot write Parquet; said before the first piece.
    """
    # Not with the API's start: it takes long, and few ask for it.
    try:
        import pyarrow as pa  # noqa: PLC0415 - see above
        from pyarrow import parquet  # noqa: PLC0415 - see above
    except ImportError as error:
        raise AvemotionError(
            ErrorCode.SERVICE_UNAVAILABLE,
            "This server has no pyarrow, which writes Parquet; take results.csv or results.jsonl.",
        ) from error
    types = {float: pa.float64(), bool: pa.bool_(), str: pa.string()}
    schema = pa.schema([(column, types[type_of(column)]) for column in columns])

    def pieces() -> Iterator[bytes]:
        outbox = Outbox()
        with parquet.ParquetWriter(pa.PythonFile(outbox, mode="w"), schema) as writer:
            for some in in_groups(rows, GROUP_ROWS):
                writer.write_table(pa.Table.from_pylist(some, schema=schema))
                yield outbox.take()
        yield outbox.take()

    return pieces()


class Outbox:
    """A file that is written by one and taken away by another, piece by piece."""

    closed = False

    def __init__(self) -> None:
        """Begin empty."""
        self._pieces: list[bytes] = []
        self._position = 0

    def write(self, data: Any) -> int:
        """Take bytes in."""
        piece = bytes(data)
        self._pieces.append(piece)
        self._position += len(piece)
        return len(piece)

    def tell(self) -> int:
        """Return how many bytes were written from the beginning on."""
        return self._position

    def flush(self) -> None:
        """Do nothing: there is nothing behind it."""

    def close(self) -> None:
        """Do nothing: what was written is still to be taken."""

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def in_groups(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Yield rows in lists of ``size``, the last one shorter."""
    iterator = iter(rows)
    while some := list(islice(iterator, size)):
        yield some


FORMATS: dict[str, Format] = {"csv": csv_pieces, "jsonl": json_lines, "parquet": parquet_pieces}
