"""Storage in an object store that speaks S3: Amazon's, MinIO, Ceph, and others like them.

A file is there when its upload is complete, and not before: nothing half-written is ever seen. What a
killed process leaves are parts of an upload, which cost money until ``drop_unfinished`` removes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast
from urllib.parse import urlsplit

from fsspec.asyn import sync

from shared.copies import Copies
from shared.object_client import file_system
from shared.object_errors import translated
from shared.object_listing import delete_objects, list_objects, list_trees
from shared.object_parts import drop_parts
from shared.settings import Settings
from shared.storage import Entry, Show, Storage, Tree
from shared.storage_errors import AccessRefusedError, BucketMissingError, StorageSetUpError

# What an upload holds in memory, twice while a part is sent. The store wants parts of 5 MiB at least.
PART_BYTES = 8 * 1024 * 1024
MOST_PARTS = 10_000
# What is fetched beyond what is asked for: an answer to a player's open range is one request.
AHEAD_BYTES = 2 * 1024 * 1024
PING_S = 5


class ObjectStorage(Storage):
    """A tree of objects below ``s3://bucket/prefix``."""

    def __init__(self, settings: Settings) -> None:
        """Prepare; connections are opened when they are first needed.

        Raises:
            StorageSetUpError: The address names no bucket, or a setting names no file.
        """
        bucket, _, prefix = settings.resolved_storage_url.removeprefix("s3://").strip("/").partition("/")
        if not bucket:
            raise StorageSetUpError("AVEMOTION_STORAGE_URL names no bucket: write s3://bucket/prefix.")
        if settings.s3_ca_file and not settings.s3_ca_file.is_file():
            raise StorageSetUpError(f"AVEMOTION_S3_CA_FILE names no file: {settings.s3_ca_file}")
        self._bucket = bucket
        self._attach(
            file_system(settings, settings.s3_endpoint_url),
            f"{bucket}/{prefix}" if prefix else bucket,
            settings.scratch_dir,
        )
        public = settings.s3_public_endpoint_url
        self._signer = file_system(settings, public) if public else self._fs
        self._link_s = int(settings.s3_presign_s) if settings.s3_presign else 0
        self._endpoint = settings.s3_endpoint_url or "Amazon S3"
        self._part_bytes = max(PART_BYTES, -(-settings.max_upload_bytes // MOST_PARTS))
        self._copies = Copies(settings.scratch_dir, settings.copy_hold_s)

    def _object(self, key: str) -> str:
        """Return the name of ``key`` inside the bucket."""
        return self._path(key)[len(self._bucket) + 1 :]

    @contextmanager
    def writer(self, key: str) -> Iterator[IO[bytes]]:
        """Open ``key`` for writing; it appears when the block ends well, and not at all when it raises."""
        with translated(self._bucket):
            stream = self._fs.open(self._path(key), "wb", block_size=self._part_bytes)
        try:
            with translated(self._bucket):
                yield stream
                stream.close()
        except BaseException:
            # Else its finaliser would complete the upload.
            stream.closed = True
            # What cannot be removed now the janitor removes.
            with suppress(OSError), translated(self._bucket):
                stream.discard()
                # The store may have completed the upload without our hearing of it.
                self.delete(key)
            raise

    def write(self, key: str, data: bytes) -> None:
        """Store ``data`` under ``key``."""
        with translated(self._bucket):
            super().write(key, data)

    def read(self, key: str, start: int | None = None, end: int | None = None) -> bytes:
        """Return the bytes of ``key``, or those from ``start`` up to ``end``.

        Raises:
            FileNotFoundError: There is no such key.
        """
        with translated(self._bucket):
            # With more at once it would first ask for the size.
            found = self._fs.cat_file(self._path(key), start=start, end=end, max_concurrency=1)
        return cast("bytes", found)

    @contextmanager
    def reader(self, key: str) -> Iterator[IO[bytes]]:
        """Open ``key`` for reading from its start, by ranges as it is read."""
        with (
            translated(self._bucket),
            self._fs.open(self._path(key), "rb", block_size=AHEAD_BYTES, cache_type="readahead") as stream,
        ):
            yield stream

    def size(self, key: str) -> int:
        """Return the length of ``key`` in bytes."""
        with translated(self._bucket):
            return super().size(key)

    def exists(self, key: str) -> bool:
        """Tell whether ``key`` is there.

        Raises:
            OSError: Nobody can tell.
        """
        try:
            with translated(self._bucket):
                self._fs.info(self._path(key))
        except FileNotFoundError:
            return False
        return True

    def delete(self, key: str) -> None:
        """Remove one file; one that is not there is no error."""
        # The store says nothing of one that is not there.
        with translated(self._bucket):
            self._fs.rm_file(self._path(key))

    def delete_tree(self, prefix: str) -> None:
        """Remove every file below ``prefix``, and what was begun of others; none is no error."""
        with translated(self._bucket):
            delete_objects(self._fs, self._bucket, [self._object(key) for key in self.keys(prefix)])
        self.drop_unfinished(f"{prefix}/")

    def drop_unfinished(self, prefix: str = "", *, age_s: float = 0) -> int:
        """Abort uploads below ``prefix`` that were begun so long ago; return how many."""
        start = self._root[len(self._bucket) + 1 :]
        with translated(self._bucket):
            return drop_parts(self._fs, self._bucket, f"{start}/{prefix}" if start else prefix, age_s)

    def keys(self, prefix: str) -> list[str]:
        """Return every key below ``prefix``, sorted."""
        with translated(self._bucket):
            # Consoles of object stores make empty objects that stand for folders.
            return [key for key in super().keys(prefix) if not key.endswith("/")]

    def entries(self, prefix: str) -> list[Entry]:
        """Return every file below ``prefix``, sorted by its key."""
        with translated(self._bucket):
            return list(list_objects(self._fs, self._root, prefix))

    def trees(self, prefix: str) -> Iterator[Tree]:
        """Yield what lies below a top-level folder, a page of the store's list at a time."""
        with translated(self._bucket):
            yield from list_trees(self._fs, self._root, prefix)

    def names(self, prefix: str) -> list[str]:
        """Return the names directly below a top-level folder, such as the job ids below ``jobs``."""
        folder = f"{self._root}/{prefix}"
        try:
            with translated(self._bucket):
                found: list[str] = self._fs.ls(folder, detail=False)
        except FileNotFoundError:
            return []
        # The empty object that stands for the folder itself has no name below it.
        return sorted(name for path in found if (name := path[len(folder) + 1 :].rstrip("/")))

    def ping(self) -> None:
        """Raise ``OSError`` when the storage cannot be reached, or not with these keys."""
        try:
            with translated(self._bucket):
                sync(self._fs.loop, self._ask, timeout=PING_S)
        except FileNotFoundError as error:
            raise BucketMissingError(f"The bucket {self._bucket} is not there.") from error
        except PermissionError as error:
            raise AccessRefusedError(
                f"The keys for the bucket {self._bucket} are wrong, or do not allow s3:ListBucket on it."
            ) from error

    async def _ask(self) -> None:
        prefix = self._root[len(self._bucket) + 1 :]
        store = await self._fs.set_session()
        await store.list_objects_v2(Bucket=self._bucket, Prefix=prefix, MaxKeys=1)

    def describe(self) -> tuple[str, ...]:
        """Return facts for the operator, without secrets."""
        links = f"links of {self._link_s} s" if self._link_s else "no links"
        return (f"bucket {self._root} at {self._endpoint}, {links}",)

    def link(self, key: str, show: Show) -> str | None:
        """Return the address at which a browser gets ``key`` for a short time, if links are wanted."""
        if not self._link_s:
            return None
        with translated(self._bucket):
            address = self._signer.url(
                self._path(key),
                expires=self._link_s,
                ResponseContentType=show.content_type,
                ResponseContentDisposition=show.disposition,
                ResponseCacheControl="private, no-store",
            )
        return str(address)

    def link_origin(self) -> str | None:
        """Return the origin of all links; ``None`` where there are none."""
        address = self.link("probe/origin", Show("text/plain", "inline"))
        if address is None:
            return None
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.netloc}"

    def upload_link(self, key: str, size_bytes: int, sha256: str, life_s: int) -> str:
        """Return the address to which a client may PUT exactly these bytes."""
        with translated(self._bucket):
            address = self._signer.url(
                self._path(key),
                expires=life_s,
                client_method="put_object",
                ContentLength=size_bytes,
                ChecksumSHA256=sha256,
            )
        return str(address)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Give ``key`` as a file on this machine: a copy, kept a moment for the stage that comes next.

        Raises:
            FileNotFoundError: There is no such key.
        """

        def fetch(target: Path) -> None:
            with translated(self._bucket):
                self._fs.get_file(self._path(key), str(target))

        with self._copies.hold(key, fetch) as path:
            yield path

    def close(self) -> None:
        """Close connections."""
        self._copies.clear()
        for each in {id(fs): fs for fs in (self._fs, self._signer)}.values():
            creator = getattr(each, "_s3creator", None)
            if creator is not None:
                each.close_session(each.loop, creator)
