"""PostgreSQL and Valkey from their wheels, as processes of a test's own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from client.stack.process import Process, launch_argv

# Reached only by what never happens; a machine that does other things too is ten times slower at times.
LIMIT_S = 240.0


class Server:
    """PostgreSQL or Valkey as a process of the test's own."""

    def __init__(self, process: Process, log: Path) -> None:
        """Prepare; ``start`` does the rest."""
        self._process = process
        self._log = log
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        if self._process.prepare is not None:
            self._process.prepare()
        argv = launch_argv(self._process.argv, user=self._process.user, cwd=self._process.cwd)
        with self._log.open("ab") as log:
            self._popen = subprocess.Popen(
                argv, env=dict(self._process.env), stdout=log, stderr=log, process_group=0
            )
        assert self._process.is_ready is not None
        wait_until(self._process.is_ready, 30)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._popen is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
            self._popen = None

    def freeze(self) -> None:
        """Stop it from answering, with every connection left open."""
        assert self._popen is not None
        os.killpg(self._popen.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._popen is not None
        os.killpg(self._popen.pid, signal.SIGCONT)


def wait_until(condition: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Return when ``condition`` holds; fail the test if it does not come to that."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.02)
