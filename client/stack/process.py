"""What the supervisor is told of a process: how to start it, when it is ready, how to stop it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from client.stack import launcher

SERVER_RANK = 1


@dataclass(frozen=True, kw_only=True)
class Process:
    """One row of the process table.

    Attributes:
        name: Name in logs and messages, and of the log file.
        argv: Absolute path of the program, and its arguments.
        env: The whole environment.
        cwd: Folder it starts in; the supervisor's own when unset.
        user: Options of the launcher that choose a user (``--map-to`` or ``--drop-to``).
        after: Names of the processes that must be ready before it starts.
        prepare: Called before each start; may raise ``AvemotionError``, which ends the stack.
        is_ready: Called again and again after a start until it is true; unset, it is ready at once.
        once: It runs to its end (exit status 0) before those that come after it may start.
        is_shown: Tells which lines of its output the person at the terminal sees too; unset, none.
        stop_signal: Asks it to end in good order.
        death_signal: Sent by the kernel when the supervisor dies.
        stop_rank: Lower ranks are stopped first, so that the servers outlive those who use them.
        grace_s: Time it has to end in good order; then its process group is killed.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    cwd: Path | None = None
    user: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    prepare: Callable[[], None] | None = None
    is_ready: Callable[[], bool] | None = None
    once: bool = False
    is_shown: Callable[[str], bool] | None = None
    stop_signal: int = signal.SIGTERM
    death_signal: int = signal.SIGKILL
    stop_rank: int = 0
    grace_s: float = 5.0


def server_environment() -> dict[str, str]:
    """Return our environment without what would steer a database server.

    Not an empty one: some Pythons, the launcher's too, need LD_LIBRARY_PATH.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def launch_argv(
    argv: tuple[str, ...],
    *,
    user: tuple[str, ...] = (),
    cwd: Path | None = None,
    death_signal: int = signal.SIGKILL,
) -> list[str]:
    """Return the command that starts ``argv`` through the launcher, as a child of this process."""
    folder = () if cwd is None else ("--cwd", str(cwd))
    tie = ("--parent", str(os.getpid()), "--death-signal", str(int(death_signal)))
    return [sys.executable, "-I", "-S", launcher.__file__, *tie, *user, *folder, "--", *argv]
