from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from client.main import app
from tests.unit.client.evaluate.results_files import Rows, fail, write
from tests.unit.training.evaluation.scores import LABELS


def refused(path: Path, *options: str) -> str:
    """Return the one sentence that the command ends with."""
    with pytest.raises(SystemExit) as ended:
        app(["evaluate", str(path), *options])
    assert ended.value.code == 1
    return str(path)


def without(*names: str) -> Callable[[Rows], Rows]:
    return lambda rows: [{key: cell for key, cell in row.items() if key not in names} for row in rows]


def each(**cells: object) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, **cells} for row in rows]


def first(**cells: object) -> Callable[[Rows], Rows]:
    return lambda rows: [{**rows[0], **cells}, *rows[1:]]


def failed(rows: Rows) -> Rows:
    for row in rows:
        fail(row)
    return rows


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (without(*(f"p_{label}" for label in LABELS)), "it has no columns p_<emotion>"),
        (
            without("true_emotion"),
            "it has no column true_emotion. `avemotion score --dataset NAME` writes it",
        ),
        (each(true_emotion="boredom"), "of another set than the model's: boredom; the model knows anger,"),
        (each(true_emotion=""), "None of the answered clips in"),
        (each(true_emotion="fear"), "All labelled samples are fear"),
        (failed, "None of the 280 clips in"),
        (each(status="queued"), "None of the 280 clips in"),
        (first(p_fear="high"), "results.csv: p_fear is 'high', which is no number."),
        (first(p_fear="inf"), "results.csv: p_fear is 'inf', which is no number."),
        (first(p_fear=7), "its probabilities sum up to"),
        (first(**{f"p_{label}": 0 for label in LABELS} | {"p_fear": -1, "p_anger": 2}), "each from 0 to 1"),
        (first(fold="north"), "results.csv: fold is 'north', which is no number."),
        (first(fold=1.5), "fold is '1.5', and folds are whole numbers."),
        (first(true_valence=3.0), "true_valence of sample clip0000.mp4 is not within -1 and 1."),
        (first(true_valence=0.5, affect_source="guessed"), "annotated or class_constant, not guessed."),
        (first(path="clip0001.mp4"), "Sample clip0001.mp4 of made-up stands twice"),
        (
            lambda rows: [{**rows[0], **{f"p_{label}": "" for label in LABELS}}, *rows[1:]],
            "Row 1 of",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_one_sentence(
    rows: Rows,
    spoil: Callable[[Rows], Rows],
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever is wrong with the rows is told in a sentence that names it, without a traceback."""
    refused(write(tmp_path / "results.csv", spoil(rows)))
    err = capsys.readouterr().err
    assert err.startswith("invalid_dataset: ")
    assert sentence in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("results.csv", b"", "holds no row"),
        ("results.csv", b"path,status\n", "holds no row"),
        ("results.csv", b"path,p_a\n1,2,3\n", "line 2 has not as many values as the first one"),
        ("results.csv", b"path,p_a\n1\n", "line 2 has not as many values as the first one"),
        ("results.csv", b"path,p_a\n\xff\xfe,1\n", "cannot be read as csv"),
        ("results.csv", b'path,p_a\n"1,2\n', "cannot be read as csv"),
        ("results.jsonl", b"{\n", "cannot be read as jsonl"),
        ("results.jsonl", b"[1]\n", "line 1 is no object"),
        ("results.parquet", b"PAR1 and more", "cannot be read"),
        ("results.parquet", b"", "cannot be read"),
        ("results.xlsx", b"", "ends in .csv, .jsonl or .parquet"),
    ],
)
def test_what_is_no_file_of_results_is_one_sentence(
    name: str, content: bytes, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty, damaged or foreign file is told as that."""
    path = tmp_path / name
    path.write_bytes(content)
    refused(path)
    err = capsys.readouterr().err
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_a_missing_file_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there is named; so is a folder."""
    refused(tmp_path / "none.csv")
    assert f"There is no file {tmp_path / 'none.csv'}." in capsys.readouterr().err
    (tmp_path / "folder.csv").mkdir()
    refused(tmp_path / "folder.csv")
    assert "cannot be read: Is a directory." in capsys.readouterr().err


@pytest.mark.parametrize("by", ["fold", "speaker", "dataset"])
def test_parts_need_their_column(
    by: str, rows: Rows, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Parts that no row names cannot be compared, be the column missing or empty."""
    for spoil in (without(by), each(**{by: ""})):
        refused(write(tmp_path / "results.csv", spoil(rows)), "--by", by)
        assert f"does not say the {by} of any clip" in capsys.readouterr().err


def test_outputs_are_checked_before_the_work(
    rows: Rows, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A place that cannot be written is refused at once."""
    path = write(tmp_path / "results.csv", rows)
    for option, wrong in (("--json", "a.txt"), ("--html", "nowhere/a.html")):
        refused(path, option, str(tmp_path / wrong))
        captured = capsys.readouterr()
        assert "cannot be written" in captured.err
        assert captured.out == ""
