"""Files that appear whole or not at all, on a disk that may be full."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from pathlib import Path

from shared.errors import AvemotionError, ErrorCode

_SUFFIX = ".draft"
# What a killed process has left; nobody writes one file for so long.
_LEFT_BEHIND_S = 3600
_FULL = (errno.ENOSPC, errno.EDQUOT)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there; its folder is made.

    Raises:
        AvemotionError: ``TRAINING_FAILED``: it cannot be written, as on a full disk; nothing is left then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(_SUFFIX, dir=path.parent)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path.parent, error) from error


def is_full(error: OSError) -> bool:
    """Tell whether an error means that there is no room on a disk."""
    return error.errno in _FULL


def cannot_write(folder: Path, error: OSError) -> AvemotionError:
    """Return what is to be said of a folder that cannot be written."""
    if is_full(error):
        message = f"The disk of {folder} is full. What is there is kept: make room, and start again."
    else:
        message = f"The folder {folder} cannot be written: {error.strerror or error}."
    return AvemotionError(ErrorCode.TRAINING_FAILED, message)


def sweep(folder: Path) -> None:
    """Remove what processes that were killed have left behind."""
    for draft in folder.rglob(f"*{_SUFFIX}"):
        try:
            if time.time() - draft.stat().st_mtime > _LEFT_BEHIND_S:
                draft.unlink()
        except OSError:
            # Gone by itself, or somebody else's.
            continue
