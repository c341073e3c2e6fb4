"""Servers that a killed supervisor left running on our data."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

PROC = Path("/proc")
GRACE_S = 5.0
POLL_S = 0.02


def end_leftovers(program: str, folder: Path) -> None:
    """End every process of the program named ``program`` that works in ``folder``.

    The caller holds the lock on the data folder, so such a process belongs to no living stack. SIGQUIT
    first (for PostgreSQL an immediate shutdown that removes its shared memory), then SIGKILL. Does
    nothing where there is no ``/proc``.
    """
    for signal_number in (signal.SIGQUIT, signal.SIGKILL):
        for pid in find_processes(program, folder):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal_number)
        deadline = time.monotonic() + GRACE_S
        while find_processes(program, folder):
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_S)
        else:
            return


def find_processes(program: str, folder: Path) -> list[int]:
    """Return the processes whose program is named ``program`` and whose current folder is ``folder``."""
    folder = folder.resolve()
    found = []
    for entry in PROC.glob("[0-9]*"):
        # Others' processes cannot be looked into, and any may end while we look.
        with contextlib.suppress(OSError):
            # A program that was replaced on disk shows as "NAME (deleted)".
            name = (entry / "exe").readlink().name.removesuffix(" (deleted)")
            if name == program and (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
    return found
