"""Folders in which the processes of one server or worker count together, for Prometheus.

A process that is killed leaves its folder behind, often in memory. Whoever makes a folder first removes those
whose makers are gone: each is held by a lock, which the system releases with the last process that has it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "avemotion-counts-"
LOCK = "held"
# Kept open for as long as this process lives, and by the children that it forks.
_held: list[int] = []


def counts_folder(place: Path | None) -> Path:
    """Return a new folder, held by this process and its forks; folders of the dead beside it are removed.

    Args:
        place: Where it is made; the system's folder of temporary files when None.
    """
    parent = Path(place or tempfile.gettempdir())
    sweep_counts(parent)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    _held.append(lock)
    return folder


def sweep_counts(parent: Path) -> int:
    """Remove the folders that nobody holds any more; return how many.

    One without a lock is left alone: it was just made, or is of a release that held none.
    """
    removed = 0
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            # Just made, gone by itself, or somebody else's.
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
        finally:
            os.close(lock)
    return removed
