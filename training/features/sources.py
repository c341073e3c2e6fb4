"""The files of a sample: what they are by their content, and which version of them is there."""

from __future__ import annotations

from pathlib import Path

from shared.errors import AvemotionError, ErrorCode
from shared.sniff import HEAD_BYTES, sniff
from training.datasets.sample import Sample


def first_bytes(path: Path) -> bytes:
    """Return the start of a file, as much as tells what it is.

    Raises:
        AvemotionError: It is not there, no file, or cannot be read.
    """
    # A pipe or a device would be read for ever.
    if not path.is_file():
        raise AvemotionError(ErrorCode.MEDIA_MISSING, f"There is no file {path}.")
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise AvemotionError(
            ErrorCode.MEDIA_UNREADABLE, f"{path} cannot be read: {error.strerror}."
        ) from error


def demuxer_of(path: Path) -> str:
    """Return the one demuxer that may open a clip or a sound, as an upload of it would get.

    Raises:
        AvemotionError: It is not there, or no media.
    """
    media_type = sniff(first_bytes(path))
    if media_type is None:
        raise AvemotionError(
            ErrorCode.UNSUPPORTED_MEDIA, f"{path} is neither video nor sound by its content."
        )
    return media_type.demuxer


def version_of_file(path: Path) -> tuple[int, int]:
    """Return size in bytes and time of change in nanoseconds: another version of a file has others.

    Content is not read: hashing a data set takes as long as copying it. Whoever puts other content of the
    same size and time of change in a file's place has to delete the cache.

    Raises:
        AvemotionError: ``MEDIA_MISSING``: the file is not there.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise AvemotionError(ErrorCode.MEDIA_MISSING, f"There is no file {path}.") from error
    return status.st_size, status.st_mtime_ns


def version_of(sample: Sample) -> list[list[int | str]]:
    """Return role, version and, of a picture among many, the number of each of a sample's files.

    Raises:
        AvemotionError: ``MEDIA_MISSING``: a file is not there.
    """
    still = sample.still
    files = [("video", sample.video, 0), ("audio", sample.audio, 0)]
    if still is not None:
        files.append(("still", still.path, -1 if still.index is None else still.index))
    versions: list[list[int | str]] = []
    for role, path, index in files:
        if path is None:
            continue
        versions.append([role, *version_of_file(path), index])
    return versions
