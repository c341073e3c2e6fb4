"""Temporary folders: they may hold people's faces, so that none may outlive its work for long."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "avemotion-work-"
# Of the folders in which the processes of an API or a worker count together.
COUNTS_PREFIX = "avemotion-counts-of-"


@contextmanager
def scratch_folder(place: Path | None) -> Iterator[Path]:
    """Yield a new private folder, absolute, that is gone at the end of the block.

    Args:
        place: Where it is made; the system's folder of temporary files when None.
    """
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=place) as name:
        yield Path(name).absolute()


def sweep_scratch(place: Path | None, age_s: float) -> int:
    """Remove the folders of processes that were killed before they could; return how many.

    Args:
        place: See ``scratch_folder``.
        age_s: Older than any work still under way.
    """
    removed = 0
    for folder in Path(place or tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if not folder.is_symlink() and time.time() - folder.stat().st_mtime > age_s:
                shutil.rmtree(folder)
                removed += 1
        except OSError:
            # Gone by itself, or somebody else's.
            continue
    return removed


def kept_folder(prefix: str, place: Path | None) -> Path:
    """Make a private folder that is this process's, and that of children it forks, for as long as one runs.

    Who ends in good order removes it. Those of processes that were killed, which could not, are removed now:
    a lock on each, which goes with the last process that has it, tells whose they are.

    Args:
        prefix: Begins the folder's name; only folders with the same one are looked at.
        place: Where it is made; the system's folder of temporary files when None.
    """
    parent = Path(place or tempfile.gettempdir())
    for folder in parent.glob(f"{prefix}*"):
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)
    # Under another name until it is locked: nobody may take it for one that was left.
    draft = Path(tempfile.mkdtemp(prefix=f"new-{prefix}", dir=parent))
    # Open, and so locked, until the process ends.
    _try_lock(os.open(draft, os.O_RDONLY | os.O_DIRECTORY))
    return draft.rename(draft.with_name(draft.name.removeprefix("new-")))


def _is_abandoned(folder: Path) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        # Gone meanwhile, a link, or somebody else's.
        return False
    try:
        return _try_lock(descriptor)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        # Held, or on a file system without locks: nothing there is ever removed.
        return False
    return True
