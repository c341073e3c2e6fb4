"""What a process that reads hostile bytes may use, and how it is ended."""

from __future__ import annotations

import errno
import math
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shared.errors import TransientError
from worker.media.libc import LIBC

OPEN_FILES = 64
# Beyond the wall clock: decoders may run a few threads at once. The parent's clock is what ends a slow
# child; this one ends a child whose parent is gone.
CPU_SECONDS_PER_WALL_SECOND = 4

_PR_SET_PDEATHSIG = 1


def limit_this_process(
    memory_bytes: int, time_limit_s: float, *, file_bytes: int = 0, open_files: int = OPEN_FILES
) -> None:
    """Bind the calling process, and what it starts, to an upper use of the machine.

    Called between fork and work: takes no lock. Address space can be limited on Linux only.

    Args:
        memory_bytes: Address space.
        time_limit_s: Wall clock that the parent allows; bounds processor time.
        file_bytes: Size of each file that is written; pipes do not count.
        open_files: Files that may be open at a time.
    """
    cpu_s = math.ceil(time_limit_s * CPU_SECONDS_PER_WALL_SECOND)
    wanted = {
        resource.RLIMIT_CPU: cpu_s,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_NOFILE: open_files,
    }
    if LIBC is not None:
        wanted[resource.RLIMIT_AS] = memory_bytes
        LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for limit, value in wanted.items():
        _, hard = resource.getrlimit(limit)
        ceiling = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (ceiling, ceiling))


def address_space_bytes() -> int:
    """Return how much address space this process has mapped; 0 where that cannot be told."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def kill_group(pid: int) -> None:
    """Kill a child that leads a process group, and all that it started."""
    # The child itself too: it may not have come so far as to lead a group.
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold signals back while a child is made, so that no handler of the parent runs in the child."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def starting() -> Iterator[None]:
    """Turn a machine's refusal of another process into an error that may pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.ENOMEM):
            raise
        raise TransientError("The machine has no room for another process now.") from error
