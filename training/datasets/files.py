"""Files of a data set on disk: found by their names, looked at without opening their media."""

from __future__ import annotations

import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

from training.datasets.problem import Problem

VIDEO_SUFFIXES = frozenset({".mp4", ".flv", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v", ".wmv"})
AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".aiff", ".aif"})
STILL_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})

# A clone or a zip of a repository holds these small texts where its large files belong.
_POINTER_START = b"version https://git-lfs"
_POINTER_BYTES_MAX = 1024
_ARCHIVER_FOLDERS = frozenset({"__MACOSX", "$RECYCLE.BIN"})


def find_files(folder: Path, suffixes: AbstractSet[str] | None = None) -> list[Path]:
    """Return the files below a folder, sorted; hidden ones and archivers' leftovers are passed over.

    Links to folders are followed, each folder once: large data often lie on another disk.

    Args:
        folder: Where to look.
        suffixes: In lower case, with the dot; None for every file.
    """
    return sorted(path for path in _walk(folder) if suffixes is None or path.suffix.lower() in suffixes)


def _walk(folder: Path) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        try:
            status = os.stat(root)  # noqa: PTH116 - a Path of each folder would cost more than the call
        except OSError:
            folders.clear()
            continue
        place = (status.st_dev, status.st_ino)
        if place in seen:
            folders.clear()
            continue
        seen.add(place)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _ARCHIVER_FOLDERS
        )
        yield from (Path(root, name) for name in names if not name.startswith("."))


def fault_of(path: Path) -> str | None:
    """Return why a file cannot be what its name says, in words that follow its name; None: it may be."""
    try:
        size = path.stat().st_size
        if size == 0:
            return "is empty"
        if size < _POINTER_BYTES_MAX:
            with path.open("rb") as file:
                if file.read(len(_POINTER_START)) == _POINTER_START:
                    return "is a Git LFS pointer, not the file itself: `git lfs pull` fetches it"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None


def usable(folder: Path, paths: list[Path], problems: list[Problem]) -> list[Path]:
    """Return the files that may be what their names say; the others become problems."""
    good = []
    for path in paths:
        fault = fault_of(path)
        if fault is None:
            good.append(path)
        else:
            problems.append(Problem("broken", inside(folder, path), f"{path.name} {fault}."))
    return good


def inside(folder: Path, path: Path) -> Path:
    """Return a path as seen from the data set's folder, where it lies in it."""
    return path.relative_to(folder) if path.is_relative_to(folder) else path
