"""How processes begin and end."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil

from shared.counting import PREFIX


def is_gone(pid: int) -> bool:
    """Whether a process has ended within ten seconds; who adopted it may not have buried it."""
    try:
        process = psutil.Process(pid)
        for _ in range(100):
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
            time.sleep(0.1)
    except psutil.NoSuchProcess:
        return True
    return False


def counts_of(pid: int) -> Path:
    """Return the folder in which a server counts: it holds a lock there for as long as it lives."""
    [held] = {
        opened.parent
        for number in Path(f"/proc/{pid}/fd").iterdir()
        if PREFIX in str(opened := number.readlink())
    }
    return held


def heed_signals() -> None:
    """Let signals arrive as at a terminal: a test run in the background was started without them."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
