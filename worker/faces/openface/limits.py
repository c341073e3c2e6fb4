"""What one run of OpenFace may use; unlike a decoder's child it writes files."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
from dataclasses import dataclass
from typing import Final

from worker.media.limits import CPU_SECONDS_PER_WALL_SECOND

# Models, libraries and pipes.
_OPEN_FILES: Final = 256
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
# Loaded here, because after a fork nothing may be loaded that takes a lock.
_LIBC: Final = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
# It runs a few threads of its own, whatever it is told; this clock ends only a run whose parent is gone.
_CORES: Final = max(CPU_SECONDS_PER_WALL_SECOND, os.cpu_count() or 1)


@dataclass(frozen=True)
class Limits:
    """An upper use of the machine.

    Attributes:
        memory_bytes: Address space; can be limited on Linux only.
        time_s: Wall clock.
        file_bytes: Size of each file that is written.
    """

    memory_bytes: int
    time_s: float
    file_bytes: int


def limit_child(limits: Limits) -> None:
    """Bind the calling process, and what it starts; called between fork and exec: takes no lock."""
    wanted = {
        resource.RLIMIT_CPU: max(1, math.ceil(limits.time_s * _CORES)),
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
    }
    if _LIBC is not None:
        wanted[resource.RLIMIT_AS] = limits.memory_bytes
        _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for limit, value in wanted.items():
        _, hard = resource.getrlimit(limit)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (ceiling, ceiling))
