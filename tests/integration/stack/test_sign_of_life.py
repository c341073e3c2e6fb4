"""The sign of life of real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from client.stack.services import service_environment
from shared.settings import Settings
from tests.servers import wait_until

STOP_LIMIT_S = 60


@pytest.mark.parametrize("role", ["janitor", "media"])
def test_who_stops_takes_its_sign_along(settings: Settings, tmp_path: Path, role: str) -> None:
    """A process that was told to stop is not taken for alive afterwards, and leaves no file."""
    with subprocess.Popen(
        [sys.executable, "-m", "worker", role],
        env=service_environment(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_until(lambda: any(tmp_path.glob(f"*/{role}-*.alive")))
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_LIMIT_S)
        finally:
            process.kill()

    assert not [*tmp_path.glob("*/*.alive")]
