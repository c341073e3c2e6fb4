"""How much room there is on the disks that this machine's part of the service writes to."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from client.ops.words import size
from client.stack.folder import DataFolder
from shared.settings import Settings

# A video and its frames want room at any time.
LEAST_FREE_BYTES = 2 * 1000**3
# Copies of media, one a process.
LEAST_SCRATCH_BYTES = 200 * 1000**2
# A small disk need not have so much.
LEAST_SHARE = 0.1


def places(settings: Settings) -> dict[str, tuple[Path, int]]:
    """Return the folders that are written to, by what they hold, each with the least room it should have."""
    found = {"data": (DataFolder(settings.data_dir).path, LEAST_FREE_BYTES)}
    storage = storage_folder(settings)
    if storage is not None:
        found["storage"] = (storage, LEAST_FREE_BYTES)
    found["temporary files"] = (Path(settings.scratch_dir or tempfile.gettempdir()), LEAST_SCRATCH_BYTES)
    return found


def storage_folder(settings: Settings) -> Path | None:
    """Return the folder of uploads and artifacts; None where they lie in an object store."""
    address = urlsplit(settings.resolved_storage_url)
    if address.scheme not in {"", "file"}:
        return None
    return Path(unquote(address.path))


def free_bytes(folder: Path) -> int:
    """Return how much may be written below a folder, which need not be there yet."""
    return shutil.disk_usage(existing(folder)).free


def existing(folder: Path) -> Path:
    """Return a folder, or the nearest above it that is there."""
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())


def fault_of(what: str, folder: Path, least: int) -> str | None:
    """Return a sentence if there is less room for something than there should be."""
    free = free_bytes(folder)
    if free >= min(least, LEAST_SHARE * shutil.disk_usage(existing(folder)).total):
        return None
    return f"Only {size(free)} free for {what} in {folder}."
