"""A small process that ends what a killed supervisor leaves behind.

The kernel's parent-death signal reaches the supervisor's children but not their children (gunicorn's
workers, Celery's pool). The guardian is told of every process group and holds the reading end of a pipe;
the pipe's end means that the supervisor is gone. It also shares the lock on the data folder, so that
nobody starts there again before everything has ended.

Run by path in a fresh interpreter. Standard library only.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable

GRACE_S = 4.0
KILL_WAIT_S = 2.0
POLL_S = 0.02
LEAVE_S = 5.0


class Guardian:
    """The supervisor's end: reports process groups as they come and go."""

    def __init__(self, lock_fd: int | None = None) -> None:
        """Start the process; ``lock_fd`` is a locked file that it keeps open with us."""
        self._popen = subprocess.Popen(  # noqa: S603 - argv is ours
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            # A session of its own: neither Ctrl-C nor a closed terminal reaches it.
            start_new_session=True,
            pass_fds=() if lock_fd is None else (lock_fd,),
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    def watch(self, group: int, death_signal: int) -> None:
        """Send ``group`` the signal when the supervisor is gone, and SIGKILL if that does not help."""
        self._tell(f"+ {group} {death_signal}\n")

    def forget(self, group: int) -> None:
        """Take ``group`` off the list: nothing of it is left."""
        self._tell(f"- {group} 0\n")

    def close(self) -> None:
        """End the process, and whatever is still on its list."""
        if self._popen.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._popen.stdin.close()
        self._popen.wait(GRACE_S + KILL_WAIT_S + LEAVE_S)

    def _tell(self, line: str) -> None:
        # With the guardian gone the parent-death signal still stands: no reason to stop serving.
        with contextlib.suppress(BrokenPipeError):
            if self._popen.stdin is not None:
                self._popen.stdin.write(line.encode("ascii"))
                self._popen.stdin.flush()


def main() -> None:
    """Keep the list until the pipe ends, then end every group on it."""
    groups: dict[int, int] = {}
    for line in sys.stdin:
        sign, group, signal_number = line.split()
        if sign == "+":
            groups[int(group)] = int(signal_number)
        else:
            groups.pop(int(group), None)
    for group, signal_number in groups.items():
        _signal(group, signal_number)
    _await_end(groups, GRACE_S)
    for group in groups:
        _signal(group, signal.SIGKILL)
    _await_end(groups, KILL_WAIT_S)


def _await_end(groups: Iterable[int], limit_s: float) -> None:
    """Wait until no process of any group is left, at most ``limit_s`` seconds."""
    deadline = time.monotonic() + limit_s
    while any(_signal(group, 0) for group in groups) and time.monotonic() < deadline:
        time.sleep(POLL_S)


def _signal(group: int, signal_number: int) -> bool:
    """Signal a process group; return whether it had any process."""
    try:
        os.killpg(group, signal_number)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Taken over by another user's processes: ours have ended.
        return False
    return True


if __name__ == "__main__":
    main()
