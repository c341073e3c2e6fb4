"""Many objects of a store at once: its list in the order of names, a page at a time, and their removal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from s3fs import S3FileSystem

from shared.storage import Entry, Tree

MOST_DELETED = 1000


def list_objects(store: S3FileSystem, root: str, prefix: str) -> Iterator[Entry]:
    """Yield the files below ``prefix``; a page is asked for when the one before is used up.

    Args:
        store: The store.
        root: The bucket, and the folder in it that storage keys begin at.
        prefix: Start of the keys, up to a slash that is left out.

    Raises:
        OSError: The store cannot be asked, or refuses.
    """
    bucket, _, above = f"{root}/".partition("/")
    page: dict[str, str] = {}
    while True:
        answer = store.call_s3("list_objects_v2", Bucket=bucket, Prefix=f"{above}{prefix}/", **page)
        for found in answer.get("Contents", []):
            # Consoles of object stores make empty objects that stand for folders.
            if not found["Key"].endswith("/"):
                key = found["Key"][len(above) :]
                yield Entry(key, int(found["Size"]), found["LastModified"].timestamp())
        if not answer.get("IsTruncated"):
            return
        page = {"ContinuationToken": answer["NextContinuationToken"]}


def list_trees(store: S3FileSystem, root: str, prefix: str) -> Iterator[Tree]:
    """Yield what ``list_objects`` does, by the name below a top-level folder."""
    for name, entries in groupby(list_objects(store, root, prefix), lambda entry: entry.key.split("/")[1]):
        yield Tree(name, list(entries))


def delete_objects(store: S3FileSystem, bucket: str, names: Sequence[str]) -> None:
    """Remove objects by their names in the bucket, as many at once as the store takes.

    Raises:
        OSError: The store cannot be asked, or refuses.
    """
    for start in range(0, len(names), MOST_DELETED):
        some = [{"Key": name} for name in names[start : start + MOST_DELETED]]
        answer = store.call_s3("delete_objects", Bucket=bucket, Delete={"Objects": some, "Quiet": True})
        for left in answer.get("Errors", []):
            # Once more by itself: this raises what was wrong.
            store.rm_file(f"{bucket}/{left['Key']}")
