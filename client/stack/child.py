"""One process of the table as it runs: its start, its log file, its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from client.stack.guardian import Guardian
from client.stack.process import Process, launch_argv
from shared.errors import AvemotionError, ErrorCode

LOG_LIMIT_BYTES = 5 * 1024 * 1024
OLD_LOGS = 3
ECHO_CHUNK_BYTES = 64 * 1024
TAIL_BYTES = 4096
TAIL_LINES = 15


class Child:
    """The running side of a ``Process``; used by the supervisor's thread only."""

    def __init__(self, process: Process, log_dir: Path, guardian: Guardian) -> None:
        """Prepare; nothing is started yet."""
        self.process = process
        self.log_path = log_dir / f"{process.name}.log"
        self.ready = False
        self.done = False
        self.quick_deaths = 0
        self.start_at = 0.0
        self.started_at = 0.0
        self._guardian = guardian
        self._popen: subprocess.Popen[bytes] | None = None
        # What an earlier stack wrote was told by that one.
        self._echoed_bytes = self.log_path.stat().st_size if self.log_path.exists() else 0

    @property
    def pid(self) -> int | None:
        """Process id, None while it does not run."""
        return None if self._popen is None else self._popen.pid

    def start(self) -> None:
        """Start it in a process group of its own, its output going to its log file.

        Raises:
            AvemotionError: It could not be prepared or started.
        """
        process = self.process
        rotate(self.log_path)
        if process.prepare is not None:
            process.prepare()
        with self.log_path.open("ab") as log:
            self._echoed_bytes = log.tell()
            try:
                self._popen = subprocess.Popen(  # noqa: S603 - argv is ours
                    launch_argv(
                        process.argv,
                        user=process.user,
                        cwd=process.cwd,
                        death_signal=process.death_signal,
                    ),
                    env=dict(process.env),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    process_group=0,
                )
            except OSError as error:
                message = f"{process.name} could not be started: {error}"
                raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message) from error
        self._guardian.watch(self._popen.pid, process.death_signal)
        self.started_at = time.monotonic()

    def poll(self) -> int | None:
        """Return None while it runs, else its exit status, after its whole group was ended."""
        if self._popen is None:
            return 0
        # The end is looked at without reaping first: until then its group's number is not given away.
        ended = os.waitid(os.P_PID, self._popen.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return None if ended is None else self._reap()

    def ask_to_stop(self) -> None:
        """Send its stop signal to the process itself, which tells its children."""
        if self._popen is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._popen.pid, self.process.stop_signal)

    def kill(self) -> None:
        """End it and its whole group at once."""
        if self._popen is not None:
            self._reap()

    def echo(self, on_line: Callable[[str, str], None]) -> None:
        """Hand the lines to show, of those new in its log, to ``on_line(name, line)``."""
        is_shown = self.process.is_shown
        if is_shown is None or not self.log_path.exists():
            return
        with self.log_path.open("rb") as log:
            log.seek(self._echoed_bytes)
            chunk = log.read(ECHO_CHUNK_BYTES)
        # An unfinished line waits for its end, unless it alone fills the chunk.
        end = len(chunk) if len(chunk) == ECHO_CHUNK_BYTES else chunk.rfind(b"\n") + 1
        self._echoed_bytes += end
        for line in chunk[:end].decode("utf-8", "replace").splitlines():
            if is_shown(line):
                on_line(self.process.name, line)

    def last_words(self) -> str:
        """Return the end of its log."""
        if not self.log_path.exists():
            return ""
        with self.log_path.open("rb") as log:
            log.seek(max(0, self.log_path.stat().st_size - TAIL_BYTES))
            lines = log.read().decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    def _reap(self) -> int:
        """Kill the group, collect the exit status and forget the process."""
        popen, self._popen = self._popen, None
        self.ready = False
        if popen is None:
            return 0
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(popen.pid, signal.SIGKILL)
        status = popen.wait()
        self._guardian.forget(popen.pid)
        return status


def rotate(log_path: Path) -> None:
    """Move a log that has grown past its limit aside, keeping the last few."""
    if not log_path.exists() or log_path.stat().st_size < LOG_LIMIT_BYTES:
        return
    for number in range(OLD_LOGS - 1, 0, -1):
        older = log_path.with_name(f"{log_path.name}.{number}")
        if older.exists():
            older.replace(log_path.with_name(f"{log_path.name}.{number + 1}"))
    log_path.replace(log_path.with_name(f"{log_path.name}.1"))
