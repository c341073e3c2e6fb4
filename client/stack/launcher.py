"""Start a program that dies with its parent and, where asked, runs as another user.

Run by path in a fresh interpreter (``python -I -S launcher.py OPTIONS -- PROGRAM ARGUMENT...``), which
replaces itself by the program. Doing this in a fork of the supervisor instead (``preexec_fn``) is not
safe next to threads. Standard library only.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x1000_0000
CANNOT_START = 126


def main() -> None:
    """Become the program named on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, help="process whose end ends the program")
    parser.add_argument("--death-signal", type=int, default=9, help="signal that the parent's end sends")
    parser.add_argument("--cwd", help="folder to start in")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--map-to", metavar="UID:GID", help="look like this user, in a user namespace")
    who.add_argument("--drop-to", metavar="UID:GID", help="become this user for good")
    parser.add_argument("program", nargs="+")
    args = parser.parse_args()
    try:
        if args.map_to:
            enter_user_namespace(*_ids(args.map_to))
        if args.drop_to:
            become(*_ids(args.drop_to))
        if args.cwd:
            os.chdir(args.cwd)
        if args.parent:
            die_with(args.parent, args.death_signal)
        os.execv(args.program[0], args.program)  # noqa: S606 - argv is ours
    except OSError as error:
        sys.stderr.write(f"{args.program[0]} could not be started: {error}\n")
        sys.exit(CANNOT_START)


def enter_user_namespace(uid: int, gid: int) -> None:
    """Let this process see itself and its files as owned by ``uid`` and ``gid``.

    For the rest of the machine it stays who it was, so files keep their owner and need no new modes.

    Raises:
        OSError: User namespaces are not allowed here.
    """
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    _call("unshare", CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{uid} {outer_uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{gid} {outer_gid} 1", encoding="ascii")


def become(uid: int, gid: int) -> None:
    """Give up root for the user ``uid`` of group ``gid``."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    # The folder we were started from may be closed to the new user.
    os.chdir("/")


def die_with(parent: int, signal_number: int) -> None:
    """Ask the kernel for ``signal_number`` at the end of ``parent``; Linux only, nothing elsewhere.

    A change of user clears the request, so this comes last.
    """
    if sys.platform == "linux":
        _call("prctl", PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        # It ended before the request was made.
        sys.exit(CANNOT_START)


def _call(function: str, *arguments: int) -> None:
    """Call a function of the C library; turn its failure into an OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc[function](*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


def _ids(text: str) -> tuple[int, int]:
    """Return the two numbers of ``UID:GID``."""
    uid, _, gid = text.partition(":")
    return int(uid), int(gid)


if __name__ == "__main__":
    main()
