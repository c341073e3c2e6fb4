"""The time limit of a stage: a word first, the end of the process last."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from worker.time_limit import TimeLimitError, time_limit

# It does not hear the signal, as code that does not come back to Python does not.
DEAF = """
import signal, time
from worker.time_limit import time_limit
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
with time_limit(0.05, 0.2, lambda: print("last words", flush=True)):
    time.sleep(60)
"""


def nothing() -> None:
    """Say nothing."""


def test_work_over_its_time_is_interrupted() -> None:
    """The block ends in an error that its caller can tell from others."""
    with pytest.raises(TimeLimitError), time_limit(0.05, 60, nothing):
        time.sleep(60)


def test_work_within_its_time_is_left_alone() -> None:
    """Nothing comes after the block, and who used the signal before has it back."""
    before = signal.getsignal(signal.SIGALRM)
    with time_limit(0.05, 0.1, nothing):
        pass
    time.sleep(0.2)
    assert signal.getsignal(signal.SIGALRM) is before


def test_work_that_does_not_listen_is_killed() -> None:
    """The process says its last words and is gone."""
    ended = subprocess.run([sys.executable, "-c", DEAF], capture_output=True, text=True, check=False)
    assert ended.stdout == "last words\n"
    assert ended.returncode == -signal.SIGKILL
