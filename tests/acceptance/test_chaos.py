"""The chaos bench runs, strikes, and proves that nothing came of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "bench" / "chaos.py"
LIMIT_S = 1500


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S)
def test_jobs_end_once_whatever_is_killed(tmp_path: Path) -> None:
    """Run by path, from anywhere: 20 jobs, up to 6 faults, and each answer is as it should be."""
    options = ["--jobs", "20", "--every", "2", "--faults", "6", "--clients", "4", "--seed", "7"]
    done = subprocess.run(
        [sys.executable, str(BENCH), *options, "--limit", "600", "--folder", str(tmp_path / "run")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "All is as it should be." in done.stdout
    assert "SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')" in done.stdout
    # On a fast machine the jobs end before the last fault is due.
    assert len(re.findall(r"^ +\d+\.\d s  .*\(pids? \d+.*\); back after", done.stdout, re.MULTILINE)) >= 2
    assert "20 of 20 jobs ended" in done.stdout
    assert "OFF" not in done.stdout
