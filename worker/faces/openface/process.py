"""Run ``FeatureExtraction`` as a limited child of its own process group, and listen to it."""

from __future__ import annotations

import math
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from shared.errors import AvemotionError, ErrorCode
from worker.faces.openface.command import environment
from worker.faces.openface.limits import Limits, limit_child
from worker.media.limits import kill_group, signals_held, starting
from worker.media.sandbox import TICK_S

# Twenty times what it says in a usual run.
_HEARD_BYTES: Final = 65536
_PERCENT: Final = re.compile(rb"(?:^|\s)(\d{1,3})%")
_WHOLE_PERCENT: Final = 100
# A percentage, and what stood before it, are never longer.
_PERCENT_BYTES: Final = 16


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        status: Exit code; negative for the signal that ended it; None where it was stopped for its time.
        stdout: The end of what it said.
        stderr: The end of what it complained of.
    """

    status: int | None
    stdout: str
    stderr: str


def run(
    command: Sequence[str],
    folder: Path,
    limits: Limits,
    *,
    checkpoint: Callable[[], None],
    progress: Callable[[float], None],
) -> Ending:
    """Run a command to its end; nothing of it is left when this returns or raises.

    Args:
        command: Program and arguments.
        folder: Its working folder.
        limits: What it may use.
        checkpoint: Called about ten times a second; whatever it raises ends the run and is passed on.
        progress: Given the share done, 0 to 1, as the run tells it.

    Raises:
        AvemotionError: `ANALYZER_UNAVAILABLE` if the program cannot be started.
        TransientError: The machine has no room for another process now.
    """
    deadline = time.monotonic() + limits.time_s
    with _running(command, folder, limits) as process:
        out, err = (cast("IO[bytes]", pipe).fileno() for pipe in (process.stdout, process.stderr))
        heard = {out: b"", err: b""}
        poll, open_pipes = select.poll(), {out, err}
        for pipe in open_pipes:
            poll.register(pipe, select.POLLIN)
        checked_at, share, status = -math.inf, 0.0, None
        # Its pipes first: a child whose end was seen has no process id any more to be killed by.
        while open_pipes or process.poll() is None:
            now = time.monotonic()
            if now - checked_at >= TICK_S:
                checkpoint()
                checked_at = now
            if now > deadline:
                break
            for pipe, _ in poll.poll(TICK_S * 1000):
                chunk = os.read(pipe, _HEARD_BYTES)
                heard[pipe] = (heard[pipe] + chunk)[-_HEARD_BYTES:]
                if not chunk:
                    poll.unregister(pipe)
                    open_pipes.remove(pipe)
                elif pipe == out and (told := _share(heard[out])) > share:
                    share = told
                    progress(share)
        else:
            status = process.returncode
    return Ending(status, *(heard[pipe].decode(errors="replace") for pipe in (out, err)))


@contextmanager
def _running(command: Sequence[str], folder: Path, limits: Limits) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command in a session of its own, under limits; kill it and what it started at the end."""

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        limit_child(limits)

    process = None
    try:
        with signals_held(), starting():
            process = subprocess.Popen(  # noqa: S603 - the program is the operator's, the arguments ours.
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=folder,
                env=environment(),
                start_new_session=True,
                # Runs between fork and exec and takes no lock: the limits hold from the first instruction.
                preexec_fn=prepare,  # noqa: PLW1509
            )
        yield process
    except OSError as error:
        if process is not None:
            raise
        raise AvemotionError(
            ErrorCode.ANALYZER_UNAVAILABLE, "OpenFace's program cannot be started on this machine."
        ) from error
    finally:
        if process is not None:
            # Not yet waited for, so the id is still its own.
            if process.returncode is None:
                kill_group(process.pid)
            # Closes the pipes and reaps.
            with process:
                pass


def _share(said: bytes) -> float:
    """Return the last share of the work that was told, 0 to 1."""
    found = _PERCENT.findall(said[-_PERCENT_BYTES:])
    return min(int(found[-1]), _WHOLE_PERCENT) / _WHOLE_PERCENT if found else 0.0
