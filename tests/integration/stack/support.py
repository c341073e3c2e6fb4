"""What the tests of the stack share: waiting, looking at processes, running a script beside the test."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from client.stack.process import Process

LIMIT_S = 15.0
PAUSE_S = 0.02


def wait_until(condition: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Return when ``condition`` holds; fail the test if it does not come to that."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(PAUSE_S)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not collected yet does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def is_dead(pid: int) -> bool:
    """Tell the opposite of ``is_alive``."""
    return not is_alive(pid)


def family(pids: Sequence[int]) -> set[int]:
    """Return ``pids`` and all their descendants."""
    found = set(pids)
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {child.pid for child in psutil.Process(pid).children(recursive=True)}
    return found


def python(name: str, script: str, **more: object) -> Process:
    """Return a process that runs a Python script."""
    argv = (sys.executable, "-I", "-S", "-c", script)
    return Process(name=name, argv=argv, **more)  # type: ignore[arg-type]


@contextlib.contextmanager
def running(script: str, *arguments: str, prefix: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run a script with our packages in a process of its own; it is killed at the end of the block."""
    popen = subprocess.Popen(
        [*prefix, sys.executable, "-c", script, *arguments],
        cwd=Path(__file__).parents[3],
        # Its end tells a script that the block is over.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield popen
    finally:
        popen.kill()
        popen.communicate()
