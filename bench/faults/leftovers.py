"""What killed processes may leave behind: processes, temporary files, shared memory."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

SHARED_MEMORY = "/dev/shm/"  # noqa: S108 - looked at, not written to
SEGMENTS = Path("/proc/sysvipc/shm")
SEGMENT = "/SYSV"
WAIT_S = 10.0
POOL = "pymp-"


def shared_memory_of(processes: Iterable[psutil.Process]) -> set[str]:
    """Return the files and segments of shared memory that processes have mapped and that have a name.

    A file is told by its path, a segment as ``/SYSV`` and its id.
    """
    found = set()
    for process in processes:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8").splitlines():
                fields = line.split(maxsplit=5)
                if len(fields) < 6:  # noqa: PLR2004 - address, rights, offset, device, inode, name
                    continue
                name = fields[5]
                if name.startswith(SHARED_MEMORY) and not name.endswith("(deleted)"):
                    found.add(name)
                elif name.startswith(SEGMENT):
                    found.add(f"{SEGMENT} {fields[4]}")
    return found


def left_in_memory(names: Iterable[str]) -> list[str]:
    """Return those of some pieces of shared memory that are still there."""
    rows = SEGMENTS.read_text(encoding="utf-8").splitlines()[1:] if SEGMENTS.exists() else []
    segments = {f"{SEGMENT} {row.split()[1]}" for row in rows}
    return sorted(name for name in names if name in segments or Path(name).exists())


def left_running(mark: str) -> list[str]:
    """Return the processes in whose environment ``mark`` stands, after some time to end; not this one."""
    deadline = time.monotonic() + WAIT_S
    while (found := list(_marked(mark.encode()))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _marked(mark: bytes) -> Iterable[str]:
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, psutil.Error):
            marked = mark in Path(f"/proc/{process.pid}/environ").read_bytes()
            if marked and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                yield f"{process.pid} {process.name()}"


def left_in_folder(scratch: Path) -> list[str]:
    """Return what is left in the folder of temporary files, but for the signs of life.

    Celery's pool makes a folder for shared memory, in which there is never a file; one that is killed cannot
    remove it.
    """
    signs = f"avemotion-{os.getuid()}"
    return sorted(
        entry.name
        for entry in scratch.iterdir()
        if entry.name != signs and not (entry.name.startswith(POOL) and not any(entry.iterdir()))
    )
