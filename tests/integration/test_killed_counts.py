"""Counts of killed processes do not pile up."""

from __future__ import annotations

from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types

from shared.settings import Settings
from tests.integration.api.conftest import serve
from tests.processes import counts_of


def test_the_counts_of_a_killed_api_go_when_the_next_starts(settings: Settings, tmp_path: Path) -> None:
    """An API that was killed with all its processes leaves a folder, which its successor removes."""
    with serve(settings, tmp_path / "gunicorn.log") as live:
        left = counts_of(live.process.pid)
        for process in [psutil.Process(live.process.pid), *psutil.Process(live.process.pid).children()]:
            process.kill()
        live.process.wait()
    assert left.exists()

    with serve(settings, tmp_path / "gunicorn.log") as live:
        mine = counts_of(live.process.pid)
        assert mine.exists()
        assert not left.exists()
    assert mine != left
