"""Run a program where no user namespace can be made, as in Docker; for tests that run as root.

The limit on namespaces is itself kept in a namespace. One is made in which every user stands for itself,
and its limit set to 0; nothing outside changes.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from client.stack import launcher

EVERY_USER = "0 0 4294967295"


def main() -> None:
    """Become the program named on the command line."""
    told_made, tell_made = os.pipe()
    told_mapped, tell_mapped = os.pipe()
    child = os.fork()
    if child:
        os.read(told_made, 1)
        # The map of a namespace with more than one user can only be written from outside.
        for kind in ("uid", "gid"):
            Path(f"/proc/{child}/{kind}_map").write_text(EVERY_USER)
        os.write(tell_mapped, b".")
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    launcher._call("unshare", launcher.CLONE_NEWUSER)
    os.write(tell_made, b".")
    os.read(told_mapped, 1)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 - argv is ours


if __name__ == "__main__":
    main()
