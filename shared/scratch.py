"""Temporary folders: they may hold people's faces, so that none may outlive its work for long."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "avemotion-work-"


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
