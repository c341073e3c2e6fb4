from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from api.batches.formats import GROUP_ROWS, csv_pieces, json_lines, parquet_pieces
from shared.errors import AvemotionError, ErrorCode

COLUMNS = ["path", "emotion", "valence", "trained"]
ROWS: list[dict[str, Any]] = [
    {"path": 'a, "b"\nc.mp4', "emotion": "joy", "valence": -0.5, "trained": True},
    {"path": "été 🎬.mp4", "emotion": None, "valence": None, "trained": False},
]


def test_csv_is_read_back() -> None:
    """Whatever stands in a cell comes back; what is not known is empty."""
    text = b"".join(csv_pieces(COLUMNS, ROWS)).decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        COLUMNS,
        ['a, "b"\nc.mp4', "joy", "-0.5", "true"],
        ["été 🎬.mp4", "", "", "false"],
    ]


def test_json_lines_are_read_back() -> None:
    """Each line is one row."""
    lines = b"".join(json_lines(COLUMNS, ROWS)).decode().splitlines()
    assert [json.loads(line) for line in lines] == ROWS


def test_parquet_is_read_back() -> None:
    """Rows come back with their types, in groups of some thousands."""
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    from pyarrow import parquet  # noqa: PLC0415 - where it is installed

    many = ROWS * (GROUP_ROWS // 2 + 1)
    file = parquet.ParquetFile(pa.BufferReader(b"".join(parquet_pieces(COLUMNS, many))))
    assert file.read().to_pylist() == many
    assert file.num_row_groups == 2
    assert [str(field.type) for field in file.schema_arrow] == ["string", "string", "double", "bool"]


@pytest.mark.parametrize("pieces", [csv_pieces, json_lines, parquet_pieces])
def test_rows_are_not_gathered(pieces: Any) -> None:
    """A file's first bytes are there long before its last row is read."""
    read = 0

    def count() -> Iterator[dict[str, Any]]:
        nonlocal read
        for _ in range(10 * GROUP_ROWS):
            read += 1
            yield ROWS[0]

    assert next(pieces(COLUMNS, count()))
    assert read <= GROUP_ROWS


def test_a_server_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that cannot write Parquet says so, and which formats there are, before the first byte."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(AvemotionError, match=r"results\.csv") as caught:
        parquet_pieces(COLUMNS, ROWS)
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE


@pytest.mark.parametrize("pieces", [csv_pieces, json_lines, parquet_pieces])
def test_no_rows(pieces: Any) -> None:
    """A batch without results still gives a file."""
    data = b"".join(pieces(COLUMNS, []))
    assert data.startswith(
        {csv_pieces: b"path,emotion,valence,trained\r\n", parquet_pieces: b"PAR1"}.get(pieces, b"")
    )


def test_the_api_starts_without_pyarrow() -> None:
    """Who asks for Parquet loads pyarrow, not the API's start."""
    check = "import sys, api.app; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
