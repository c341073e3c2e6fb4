"""Files of uploads and artifacts, in a folder or an object store behind one interface.

Keys are made by the service from ids alone; nothing a user names becomes a path. A file is written
under a key that a row already names, so that whatever a crash leaves behind can be found from the
database. No rename is used: object stores have none.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, NamedTuple, cast
from uuid import UUID

import fsspec
from fsspec.implementations.local import LocalFileSystem

from shared.scratch import scratch_folder

KEY = re.compile(r"[a-z]+(/[A-Za-z0-9._-]+)+")
COPY_BYTES = 1024 * 1024


class Show(NamedTuple):
    """How a browser that fetches a file from storage itself is told to take it."""

    content_type: str
    disposition: str


class Entry(NamedTuple):
    """A file in storage.

    Attributes:
        key: Storage key.
        size_bytes: Its length.
        modified_at: When it was last written, Unix time by the storage's clock.
    """

    key: str
    size_bytes: int
    modified_at: float


class Tree(NamedTuple):
    """What lies under one name of a top-level folder: a file, or a folder and all below it."""

    name: str
    entries: list[Entry]


def incoming_key(ticket_id: UUID) -> str:
    """Return where a file lies that a client has written, and nobody has looked at yet."""
    return f"incoming/{ticket_id}"


class Storage:
    """A tree of files under one fsspec address; ``shared.object_storage`` has the one in an object store."""

    def __init__(self, url: str, *, scratch_dir: Path | None = None) -> None:
        """Open the address; ``scratch_dir`` takes copies of remote files."""
        fs, root = fsspec.core.url_to_fs(url)
        self._attach(fs, root, scratch_dir)
        if isinstance(self._fs, LocalFileSystem):
            self._fs.auto_mkdir = True
            # Faces and voices: nobody else on this machine may read them.
            Path(self._root).mkdir(mode=0o700, parents=True, exist_ok=True)

    def _attach(self, fs: Any, root: str, scratch_dir: Path | None) -> None:
        self._fs, self._root, self._scratch_dir = fs, root, scratch_dir

    def _path(self, key: str) -> str:
        if not KEY.fullmatch(key) or ".." in key:
            raise ValueError(f"not a storage key: {key!r}")
        return f"{self._root}/{key}"

    @contextmanager
    def writer(self, key: str) -> Iterator[IO[bytes]]:
        """Open ``key`` for writing; what was written is removed when the block raises."""
        try:
            with self._fs.open(self._path(key), "wb") as stream:
                yield stream
        except BaseException:
            self.delete(key)
            raise

    def write(self, key: str, data: bytes) -> None:
        """Store ``data`` under ``key``."""
        self._fs.pipe_file(self._path(key), data)

    def read(self, key: str, start: int | None = None, end: int | None = None) -> bytes:
        """Return the bytes of ``key``, or those from ``start`` up to ``end``.

        Raises:
            FileNotFoundError: There is no such key.
        """
        return cast("bytes", self._fs.cat_file(self._path(key), start=start, end=end))

    @contextmanager
    def reader(self, key: str) -> Iterator[IO[bytes]]:
        """Open ``key`` for reading from its start."""
        with self._fs.open(self._path(key), "rb") as stream:
            yield stream

    def size(self, key: str) -> int:
        """Return the length of ``key`` in bytes."""
        return int(self._fs.size(self._path(key)))

    def exists(self, key: str) -> bool:
        """Tell whether ``key`` is there."""
        return bool(self._fs.exists(self._path(key)))

    def delete(self, key: str) -> None:
        """Remove one file; one that is not there is no error."""
        try:
            self._fs.rm_file(self._path(key))
        except FileNotFoundError:
            return

    def delete_tree(self, prefix: str) -> None:
        """Remove every file below ``prefix``; none is no error."""
        try:
            self._fs.rm(self._path(prefix), recursive=True)
        except FileNotFoundError:
            return

    def drop_unfinished(self, prefix: str = "", *, age_s: float = 0) -> int:
        """Remove what writers that were killed have left of files below ``prefix``; return how many.

        In a folder that is the file itself, which ``delete`` removes: there is nothing besides.

        Args:
            prefix: Storage key or the start of one; everything when empty.
            age_s: Only what was begun so long ago.
        """
        del prefix, age_s
        return 0

    def keys(self, prefix: str) -> list[str]:
        """Return every key below ``prefix``, sorted."""
        found: list[str] = self._fs.find(self._path(prefix))
        return sorted(path[len(self._root) + 1 :] for path in found)

    def entries(self, prefix: str) -> list[Entry]:
        """Return every file at or below ``prefix``, sorted by its key."""
        found: dict[str, dict[str, Any]] = self._fs.find(self._path(prefix), detail=True)
        return [self._entry(path, info) for path, info in sorted(found.items())]

    def _entry(self, path: str, info: dict[str, Any]) -> Entry:
        return Entry(path[len(self._root) + 1 :], int(info["size"]), float(info["mtime"]))

    def trees(self, prefix: str) -> Iterator[Tree]:
        """Yield what lies below a top-level folder, in the order of its names, read as it is asked for."""
        for name in self.names(prefix):
            # Whatever else an operator keeps there is not ours.
            if KEY.fullmatch(f"{prefix}/{name}"):
                yield Tree(name, self.entries(f"{prefix}/{name}"))

    def names(self, prefix: str) -> list[str]:
        """Return the names directly below a top-level folder, such as the job ids below ``jobs``."""
        try:
            found: list[str] = self._fs.ls(f"{self._root}/{prefix}", detail=False)
        except FileNotFoundError:
            return []
        return sorted(path.rstrip("/").rsplit("/", 1)[-1] for path in found)

    def ping(self) -> None:
        """Raise ``OSError`` when the storage cannot be reached."""
        self._fs.invalidate_cache()
        self._fs.ls(self._root, detail=False)

    def describe(self) -> tuple[str, ...]:
        """Return facts for the operator, without secrets."""
        return (f"folder {self._root}",)

    def link(self, key: str, show: Show) -> str | None:  # noqa: ARG002 - a folder has no addresses
        """Return the address at which a browser gets ``key`` for a while; ``None`` where there is none."""
        return None

    def link_origin(self) -> str | None:
        """Return the origin of links, such as ``https://s3.example.org``; ``None`` where there are none."""
        return None

    def upload_link(self, key: str, size_bytes: int, sha256: str, life_s: int) -> str:
        """Return the address to which a client may PUT exactly these bytes.

        Args:
            key: Storage key.
            size_bytes: Their number.
            sha256: Their hash, in Base64.
            life_s: How long the address is good.

        Raises:
            NotImplementedError: Clients cannot write to this storage.
        """
        raise NotImplementedError(key, size_bytes, sha256, life_s)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Give ``key`` as a file on this machine: the file itself, or a copy for the block's time.

        Raises:
            FileNotFoundError: There is no such key.
        """
        path = self._path(key)
        if isinstance(self._fs, LocalFileSystem):
            if not self._fs.exists(path):
                raise FileNotFoundError(key)
            yield Path(path)
            return
        with scratch_folder(self._scratch_dir) as folder:
            copy = folder / "media"
            with self._fs.open(path, "rb") as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target, COPY_BYTES)
            yield copy

    def close(self) -> None:
        """Close connections, where there are any."""


@lru_cache(maxsize=4)
def open_storage(url: str, scratch_dir: Path | None = None) -> Storage:
    """Return the storage at ``url``, opened once a process."""
    return Storage(url, scratch_dir=scratch_dir)
