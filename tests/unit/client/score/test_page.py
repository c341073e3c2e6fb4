"""docs/bulk.md is held to the code that it describes."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from client.evaluate.command import evaluate
from client.score.command import score
from client.score.labelled import TRUTH
from shared.rows import columns_of

PAGE = Path(__file__).parents[4] / "docs" / "bulk.md"


def test_each_column_is_on_the_page() -> None:
    """Every column of a file of results is told, and so is every one that a data set adds."""
    page = PAGE.read_text()
    missing = [name for name in (*columns_of(["<label>"]), *TRUTH) if f"`{name}`" not in page]
    assert missing == []


@pytest.mark.parametrize("command", [score, evaluate])
def test_each_option_is_on_the_page(command: object) -> None:
    """Every option of both commands is told."""
    app = typer.Typer()
    app.command()(command)  # type: ignore[type-var] - any command will do
    options = [name for found in typer.main.get_command(app).params for name in found.opts if "--" in name]
    page = PAGE.read_text()
    missing = [name for name in options if f"`{name}" not in page and f" {name} " not in page]
    assert missing == [] or set(missing) <= {"--install-completion", "--show-completion"}
