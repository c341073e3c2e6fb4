from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from client.main import app
from tests.unit.client.evaluate.results_files import Rows, rows_of, write
from tests.unit.training.evaluation.scores import make_scored

Evaluate = Callable[..., dict[str, Any]]


@pytest.fixture
def rows() -> Rows:
    """Answers to 280 clips of 20 speakers, in five folds."""
    return rows_of(make_scored())


@pytest.fixture
def evaluate(tmp_path: Path) -> Evaluate:
    """Write rows, run the command on them, and return the JSON that it writes."""

    def run(rows: Rows, *options: str, name: str = "results.csv") -> dict[str, Any]:
        figures = tmp_path / "figures.json"
        path = write(tmp_path / name, rows)
        with pytest.raises(SystemExit) as ended:
            app(["evaluate", str(path), "--json", str(figures), *options])
        assert ended.value.code == 0
        return dict(json.loads(figures.read_text()))

    return run
