"""Files that appear whole or not at all, and their folders."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import AvemotionError, ErrorCode


def check_output(path: Path, suffix: str) -> None:
    """Refuse a place that cannot be written, before work is spent on it.

    Raises:
        AvemotionError: ``INVALID_REQUEST``.
    """
    fault = None
    if not path.name.endswith(suffix) or path.name == suffix:
        fault = f"its name must end in {suffix}"
    elif path.is_dir():
        fault = "it is a folder"
    elif not path.parent.is_dir():
        fault = f"there is no folder {path.parent}"
    elif not os.access(path.parent, os.W_OK):
        fault = f"the folder {path.parent} cannot be written"
    if fault:
        raise AvemotionError(ErrorCode.INVALID_REQUEST, f"{path} cannot be written: {fault}.")


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where it is missing.

    Raises:
        AvemotionError: ``INVALID_REQUEST``: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AvemotionError(
            ErrorCode.INVALID_REQUEST, f"The folder {folder} cannot be made: {error.strerror or error}."
        ) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, which takes its place once the block has ended well.

    Raises:
        AvemotionError: ``INVALID_REQUEST`` where it cannot be written; nothing is left behind then.
    """
    # The name ends as the one it stands for: Keras looks at that.
    temporary = path.with_name(f".{secrets.token_hex(8)}.{path.name}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise AvemotionError(
            ErrorCode.INVALID_REQUEST, f"{path} cannot be written: {error.strerror or error}."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
