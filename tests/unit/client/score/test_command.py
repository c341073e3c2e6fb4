from __future__ import annotations

from pathlib import Path

import pytest

from client.main import app
from tests.unit.client.server import Answer, ScriptedServer


def score(*arguments: str) -> int:
    """Run the command and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        app(["score", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--server", "localhost:8000"], "is an address such as"),
        (["--server", "ftp://here"], "is an address such as"),
        (["--server", "http://"], "is an address such as"),
        (["--server", "http://[::1"], "is no address"),
        (["--window", "inf"], "is not a number of seconds"),
        (["--labels-from", "votes"], "goes with --dataset only"),
        (["--fusion", "none"], "is not one of"),
    ],
)
def test_a_slip_in_an_option_is_a_usage_error(
    clip: Path, tmp_path: Path, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What an option may be is said with exit code 2, and nothing is started."""
    assert score(str(clip), "--out", str(tmp_path / "results.csv"), *arguments) == 2
    assert sentence in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_an_output_that_cannot_be_written_is_told_first(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is sent, the place of the results is looked at."""
    assert score(str(clip), "--out", str(tmp_path / "results.xlsx"), "--server", "http://127.0.0.1:9") == 1
    assert "its name must end in .csv, .jsonl, .parquet." in capsys.readouterr().err


def test_a_wrong_key_leaves_nothing(
    clip: Path, tmp_path: Path, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that does not let us in is told, and no state is left."""
    body = {"type": "x", "title": "x", "status": 401, "detail": "Send a key.", "code": "unauthorized"}
    server.on("POST /batches", Answer(401, body))
    assert score(str(clip), "--out", str(tmp_path / "results.csv"), "--server", server.url) == 1
    assert "unauthorized: Send a key." in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [clip.name]
