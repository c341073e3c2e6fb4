"""Zip archives of unknown origin: looked through before anything comes out."""

from __future__ import annotations

import errno
import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from shared.errors import AvemotionError, ErrorCode
from worker.model.weights_fault import invalid

# The largest encoder with its decoder and both moments of Adam takes 8.5 GB.
LARGEST_MEMBER_BYTES = 12 * 2**30
MOST_MEMBERS = 10_000
UNIX_MODE_SHIFT = 16
ENCRYPTED = 1
COPY_BYTES = 2**20
# What reading a member may end in; OSError where it is said to stand before the file's start, or by bzip2.
DAMAGE = (
    zipfile.BadZipFile,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zlib.error,
)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive none of whose members leads out of it.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where it is cut off or damaged, or a member has an absolute
            path, a path with ``..``, or is a link.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise invalid(
            path, f"it is cut off or damaged: its list of contents cannot be read ({error})."
        ) from error
    with archive:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise invalid(path, f"it has {len(members)} members, more than any weights need.")
        for member in members:
            fault = _fault(member)
            if fault:
                raise invalid(path, f"its member {member.filename} {fault}; nothing was unpacked.")
        yield archive


def unpack(archive: zipfile.ZipFile, members: list[str], folder: Path) -> None:
    """Write members of an archive from ``open_archive`` into a folder, by the last part of their names.

    Raises:
        AvemotionError: ``INVALID_WEIGHTS`` where a member is damaged or too large; ``INVALID_REQUEST``
            where the disk has no room.
    """
    path = Path(str(archive.filename))
    sizes = {name: archive.getinfo(name).file_size for name in members}
    for name, size in sizes.items():
        if size > LARGEST_MEMBER_BYTES:
            raise invalid(
                path, f"its member {name} would take {size / 1e9:.0f} GB, more than any weights need."
            )
    if sum(sizes.values()) > shutil.disk_usage(folder).free:
        raise AvemotionError(
            ErrorCode.INVALID_REQUEST,
            f"Unpacking {path.name} needs {sum(sizes.values()) / 1e9:.1f} GB, and {folder.parent} has less; "
            "AVEMOTION_SCRATCH_DIR names another folder.",
        )
    for name in members:
        try:
            # A member ends where its header says, and its checksum is compared there.
            with archive.open(name) as packed, (folder / PurePosixPath(name).name).open("xb") as file:
                shutil.copyfileobj(packed, file, COPY_BYTES)
        except DAMAGE as error:
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise AvemotionError(
                    ErrorCode.INVALID_REQUEST,
                    f"Unpacking {path.name} has filled the disk of {folder.parent}.",
                ) from error
            raise invalid(path, f"its member {name} is cut off or damaged ({error}).") from error


def _fault(member: zipfile.ZipInfo) -> str | None:
    """Return what is wrong with a member; None where nothing is."""
    name = member.filename
    if name.startswith(("/", "\\")) or "\\" in name or ":" in name.partition("/")[0]:
        return "has an absolute path"
    if ".." in PurePosixPath(name).parts:
        return "leads out of the archive"
    if stat.S_ISLNK(member.external_attr >> UNIX_MODE_SHIFT):
        return "is a link"
    if member.flag_bits & ENCRYPTED:
        return "is encrypted"
    return None
