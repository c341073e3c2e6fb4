"""The time limit of a stage: a word first, the end of the process last."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
import structlog

from tests.servers import wait_until
from worker.pulse import Pulse
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


def test_last_words_carry_the_ids_of_the_stage() -> None:
    """Another thread says them, and its log lines are still about the stage at hand."""
    ids = "structlog.contextvars.bind_contextvars(job_id='of-the-job')"
    words = "print(structlog.contextvars.get_contextvars(), flush=True)"
    code = "import structlog\n" + DEAF.replace("with time", f"{ids}\nwith time").replace(
        'print("last words", flush=True)', words
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.returncode) == ("{'job_id': 'of-the-job'}\n", -signal.SIGKILL)


def test_heartbeats_carry_the_ids_of_the_stage() -> None:
    """What the thread of a pulse logs names the job that it keeps."""
    seen: list[str] = []

    def beat() -> bool:
        seen.append(structlog.contextvars.get_contextvars().get("job_id", "none"))
        return True

    with structlog.contextvars.bound_contextvars(job_id="of-the-job"), Pulse(beat, 0.03):
        wait_until(lambda: bool(seen))
    assert set(seen) == {"of-the-job"}
