"""The most memory that a piece of work takes, as the system counts it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

STATUS = Path("/proc/self/status")
# Writing 5 to it starts the high-water mark anew, from what is resident now.
CLEAR_REFS = Path("/proc/self/clear_refs")


def measure_peak(work: Callable[[], object]) -> dict[str, int] | None:
    """Do the work; return the process's resident bytes, None but on Linux.

    Returns:
        ``loaded_bytes`` before the work, ``peak_bytes`` during it, and ``file_bytes``, what of these are
        pages of files: the libraries' code, which processes share.
    """
    if not STATUS.exists():
        return None
    # What loading has left to the allocator would hide as much of what the work takes.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    with suppress(OSError):
        CLEAR_REFS.write_text("5")
    loaded = _bytes("VmRSS")
    work()
    return {"loaded_bytes": loaded, "peak_bytes": _bytes("VmHWM"), "file_bytes": _bytes("RssFile")}


def _bytes(field: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024
