"""Running ``avemotion weights`` in this process."""

from __future__ import annotations

from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from client.main import app


def weights(*arguments: str | Path) -> Result:
    """Run the command; what is neither an exit nor a sentence is a fault of the program."""
    result = CliRunner().invoke(app, ["weights", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def refuses(result: Result, code: str, told: str, *kept: Path) -> None:
    """Hold a run to one sentence, exit code 1, and nothing written beside what was there.

    Args:
        result: Of the run.
        code: What the line starts with.
        told: What it says.
        kept: A folder, and all that may be in it.
    """
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith(f"{code}: ")
    assert told in lines[0]
    folder, *files = kept
    assert sorted(folder.iterdir()) == sorted(files)
