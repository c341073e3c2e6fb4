"""What a process that reads hostile bytes may reach: the measures of the system beyond numeric limits.

A system may refuse any of them (an old kernel, a container's own filter). The process then goes without,
and ``measures`` says so: ``avemotion doctor`` shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from worker.media.landlock import READ, restrict_files
from worker.media.libc import LIBC, last_error
from worker.media.limits import OPEN_FILES, limit_this_process
from worker.media.system_calls import Filter

_PR_SET_NO_NEW_PRIVS = 38
# close_range(2) and its flag; its number is the same everywhere.
_CLOSE_RANGE, _CLOSE_ON_EXEC = 436, 4
_FIRST_INHERITED, _LAST = 3, 0xFFFFFFFF


@dataclass(frozen=True)
class Reach:
    """What a process may reach beyond its memory, and the pipes and files that it was given open.

    Attributes:
        files: All the files that it may open, or None for any that its user may read.
        rights: What it may do with them: ``landlock.READ`` and ``landlock.EXECUTE``.
        may_execute: Whether it may turn into another program, of those files.
        may_fork: Whether it may start processes, beside threads, and signal them.
        may_write: Whether it may make, change and remove files.
    """

    files: Sequence[Path] | None = ()
    rights: int = READ
    may_execute: bool = False
    may_fork: bool = False
    may_write: bool = False


NOTHING = Reach()
"""The reach of a process that has all it needs."""


def confine_this_process(
    reach: Reach,
    *,
    memory_bytes: int,
    time_limit_s: float,
    file_bytes: int = 0,
    open_files: int = OPEN_FILES,
) -> dict[str, str | None]:
    """Bind the calling process, and what it starts, to limits and to a reach.

    Called between fork and work: takes no lock.

    Args:
        reach: What it may reach.
        memory_bytes: Address space; this and the rest as in ``limit_this_process``.
        time_limit_s: Wall clock that the parent allows.
        file_bytes: Size of each file that is written.
        open_files: Files that may be open at a time.

    Returns:
        Of each measure that the system may refuse: None, or why it is off.
    """
    _leave_files_behind()
    # Prepared before limits and filter, which would forbid some of it.
    calls = Filter(may_execute=reach.may_execute, may_fork=reach.may_fork, may_write=reach.may_write)
    privileges = give_up_privileges()
    landlock = "not asked for" if reach.files is None else restrict_files(reach.files, reach.rights)
    limit_this_process(memory_bytes, time_limit_s, file_bytes=file_bytes, open_files=open_files)
    return {"no new privileges": privileges, "Landlock": landlock, "seccomp": calls.install()}


def give_up_privileges() -> str | None:
    """Let nothing that is executed have more rights than this process; return why not, if not."""
    if LIBC is None:
        return "not known on this system"
    return None if LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 else last_error()


def _leave_files_behind() -> None:
    """Let no file but the standard three go on into another program; Python may not be able to look later."""
    if LIBC is not None:
        LIBC.syscall(_CLOSE_RANGE, _FIRST_INHERITED, _LAST, _CLOSE_ON_EXEC)
