from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from client.score.items import Item
from client.score.merging import Answers, merged
from client.score.writers import GROUP_ROWS, check_format, types_of, write_rows
from shared.errors import AvemotionError, ErrorCode
from shared.rows import columns_of

LABELS = ("anger", "fear")
TYPES = {"path": str, "p_anger": float, "trained": bool, "fold": int, "note": str}
ROWS = [
    {"path": "ä, b.mp4", "p_anger": 0.25, "trained": True, "fold": 1, "note": "=1+1"},
    {"path": "-x.mp4", "p_anger": None, "trained": None, "fold": None, "note": None},
]


def test_csv_holds_text_that_no_spreadsheet_runs(tmp_path: Path) -> None:
    """Numbers are plain, nothing is empty, yes and no are words, and formulas are quoted."""
    write_rows(tmp_path / "x", ".csv", TYPES, ROWS)
    with (tmp_path / "x").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["path", "p_anger", "trained", "fold", "note"],
            ["ä, b.mp4", "0.25", "true", "1", "'=1+1"],
            ["'-x.mp4", "", "", "", ""],
        ]


def test_json_lines_hold_values(tmp_path: Path) -> None:
    """A row is an object with all columns in their order."""
    write_rows(tmp_path / "x", ".jsonl", TYPES, ROWS)
    lines = (tmp_path / "x").read_text().splitlines()
    assert [json.loads(line) for line in lines] == ROWS
    assert list(json.loads(lines[1])) == list(TYPES)


def test_parquet_holds_types(tmp_path: Path) -> None:
    """Columns have types, also where all of their cells are empty."""
    write_rows(tmp_path / "x", ".parquet", TYPES | {"empty": float}, ROWS)
    read = parquet.read_table(tmp_path / "x")
    kinds = [pa.string(), pa.float64(), pa.bool_(), pa.int64(), pa.string(), pa.float64()]
    assert read.schema.types == kinds
    assert read.drop_columns("empty").to_pylist() == ROWS


def test_many_rows_are_written_in_groups(tmp_path: Path) -> None:
    """Rows come from a stream and are written some thousands at a time."""
    write_rows(tmp_path / "x", ".parquet", {"n": int}, ({"n": number} for number in range(GROUP_ROWS + 1)))
    read = parquet.ParquetFile(tmp_path / "x")
    assert read.num_row_groups == 2
    assert read.read()["n"].to_pylist() == list(range(GROUP_ROWS + 1))


def test_types_follow_from_values() -> None:
    """Whole numbers, numbers, and all else; a column without values is text."""
    rows = [{"a": 1, "b": 1, "c": "1"}, {"a": None, "b": 0.5, "c": 2}, {}]
    assert types_of(["a", "b", "c", "d"], rows) == {"a": int, "b": float, "c": str, "d": str}


@pytest.mark.parametrize("name", ["results.txt", "results", ".csv", "nowhere/results.csv"])
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    """The format is in the name, and the folder must be there."""
    with pytest.raises(AvemotionError, match="cannot be written") as caught:
        check_format(tmp_path / name)
    assert caught.value.code is ErrorCode.INVALID_REQUEST


def test_parquet_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing writes Parquet, that is said before a clip is sent, with what to do."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(AvemotionError, match="pip install pyarrow") as caught:
        check_format(tmp_path / "results.parquet")
    assert caught.value.code is ErrorCode.INVALID_REQUEST


def answers(*paths: str) -> Answers:
    """Return the server's rows, as they come."""
    blank = dict.fromkeys(columns_of(LABELS))
    rows = [{**blank, "path": path, "status": "succeeded", "p_fear": 0.5} for path in paths]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    return Answers(io.BytesIO("".join(f"{line}\n" for line in lines).encode()))


def test_rows_come_in_the_order_of_the_clips() -> None:
    """Whatever the server's order, a row stands where its clip was named, with its columns behind."""
    items = [Item(name, Path(name), None, {"speaker": name.upper()}) for name in ("a", "é", "c")]
    rows = list(merged(items, answers("c", "é", "a"), {}))
    assert [row["path"] for row in rows] == ["a", "é", "c"]
    assert [row["speaker"] for row in rows] == ["A", "É", "C"]
    assert list(rows[0]) == [*columns_of(LABELS), "speaker"]


def test_what_was_not_sent_has_a_row_too() -> None:
    """A clip that could not be sent failed, with the reason; so did one that the server lost."""
    fault = AvemotionError(ErrorCode.EMPTY_UPLOAD, "The file is empty.")
    items = [Item(name, Path(name)) for name in ("a", "b", "c")]
    _, empty, lost = merged(items, answers("a"), {"b": fault})
    assert list(empty) == columns_of(LABELS)
    assert (empty["path"], empty["status"], empty["error_code"]) == ("b", "failed", "empty_upload")
    assert empty["error_message"] == "The file is empty."
    assert (lost["path"], lost["error_code"]) == ("c", "not_found")


def test_without_any_answer_there_are_no_probabilities() -> None:
    """Where nothing was sent, rows have the columns that any result has."""
    row = next(merged([Item("a", Path("a"))], answers(), {}))
    assert list(row) == columns_of(())
