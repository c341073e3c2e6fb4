"""What storage and database do not agree on: files that no row knows, and rows whose files are gone.

Both are read in the order of their ids, side by side, some hundred at a time: neither has to fit into memory,
and an object store is asked for its list once, never for single files.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import InstrumentedAttribute

from shared.database import transact
from shared.storage import Storage, Tree
from shared.tables import Job, JobStatus, Upload, UploadState
from worker.purge import artifact_keys
from worker.toolkit import Toolkit

STEP = 200
# Of each kind; what there is beyond is found the next time.
MOST_KEPT = 10_000
# A few may always be missing. More than that, and more than half, are a sign of another kind.
FEW = 10
Columns = tuple[InstrumentedAttribute[Any], ...]
FIRST, LAST = UUID(int=0), UUID(int=2**128 - 1)


@dataclass
class Leftovers:
    """What was found.

    Attributes:
        trees: Names in storage that were looked at.
        rows: Rows that ought to have a file.
        orphans: Keys of files, and folders of them, that no row knows and that are old enough.
        lost_uploads: Uploads that are said to be stored, and whose file is not there.
        lost_artifacts: Jobs that ought to have artifacts, and have none of them.
        sizes: Jobs whose artifacts have another size than is known, with that size in bytes.
    """

    trees: int = 0
    rows: int = 0
    orphans: list[str] = field(default_factory=list)
    lost_uploads: list[UUID] = field(default_factory=list)
    lost_artifacts: list[UUID] = field(default_factory=list)
    sizes: dict[UUID, int] = field(default_factory=dict)

    @property
    def fault(self) -> str | None:
        """Return what makes this look like a database and a storage of two services, or an empty disk."""
        lost = len(self.lost_uploads) + len(self.lost_artifacts)
        if _too_many(lost, self.rows):
            return f"the files of {lost} of {self.rows} uploads and jobs are missing"
        if _too_many(len(self.orphans), self.trees):
            return f"no row knows {len(self.orphans)} of {self.trees} files and folders"
        return None


def _too_many(some: int, of_all: int) -> bool:
    return some > FEW and (some >= MOST_KEPT or 2 * some > of_all)


def look(kit: Toolkit, found: Leftovers) -> Iterator[None]:
    """Compare storage and database, and fill in ``found``; each step takes a moment.

    Raises:
        OSError: The storage cannot be listed.
    """
    old = time.time() - kit.settings.orphan_age_s
    yield from _look_at_uploads(kit, found, old)
    yield from _look_at_jobs(kit, found, old)
    for tree in _trees(kit.storage, "probe"):
        # Of an operator's check that was killed.
        _orphan(found, "probe", tree, old)
    yield


def _look_at_uploads(kit: Toolkit, found: Leftovers, old: float) -> Iterator[None]:
    columns = (Upload.id, Upload.state)
    for prefix in ("uploads", "incoming"):
        for step in _side_by_side(kit, prefix, columns):
            for tree in step.unknown:
                _orphan(found, prefix, tree, old)
            if prefix == "uploads":
                stored = [row for row in step.rows if row.state is UploadState.STORED]
                found.rows += len(stored)
                _keep(found.lost_uploads, [row.id for row in stored if row.id not in step.trees])
            found.trees += len(step.trees)
            yield


def _look_at_jobs(kit: Toolkit, found: Leftovers, old: float) -> Iterator[None]:
    columns = (Job.id, Job.status, Job.tidied_at, Job.artifact_bytes, Job.artifacts_dropped_at)
    for step in _side_by_side(kit, "jobs", columns):
        found.trees += len(step.trees)
        for tree in step.unknown:
            _orphan(found, "jobs", tree, old)
        # While a job is open, or just ended, its workers may be writing.
        tidied = [row for row in step.rows if row.tidied_at is not None]
        changed = [row for row in tidied if row.id in step.trees and _differs(row, step.trees[row.id])]
        if changed:
            _look_into(kit, found, changed, step.trees, old)
        kept = [row for row in tidied if _has_artifacts(row)]
        found.rows += len(kept)
        _keep(found.lost_artifacts, [row.id for row in kept if row.id not in step.trees])
        yield


def _look_into(
    kit: Toolkit, found: Leftovers, rows: list[Row[Any]], trees: dict[UUID, Tree], old: float
) -> None:
    """Find the files in jobs' folders that are none of their artifacts."""
    named = transact(kit.engine, lambda session: artifact_keys(session, [row.id for row in rows]))
    for row in rows:
        keep = named[row.id] if _has_artifacts(row) else set()
        entries = trees[row.id].entries
        _keep(found.orphans, [e.key for e in entries if e.key not in keep and e.modified_at < old])
        size_bytes = sum(entry.size_bytes for entry in entries if entry.key in keep)
        if size_bytes != row.artifact_bytes and len(found.sizes) < MOST_KEPT:
            found.sizes[row.id] = size_bytes


def _has_artifacts(row: Row[Any]) -> bool:
    # Of a job that an earlier release tidied, nobody has measured any.
    return row.status is JobStatus.SUCCEEDED and row.artifacts_dropped_at is None and row.artifact_bytes != 0


def _differs(row: Row[Any], tree: Tree) -> bool:
    return bool(sum(entry.size_bytes for entry in tree.entries) != row.artifact_bytes)


def _orphan(found: Leftovers, prefix: str, tree: Tree, old: float) -> None:
    if all(entry.modified_at < old for entry in tree.entries):
        _keep(found.orphans, [f"{prefix}/{tree.name}"])


def _keep(kept: list[Any], more: list[Any]) -> None:
    kept += more[: MOST_KEPT - len(kept)]


class _Step(NamedTuple):
    """Some names in storage with the rows of the same range of ids."""

    trees: dict[UUID, Tree]
    rows: list[Row[Any]]

    @property
    def unknown(self) -> list[Tree]:
        known = {row.id for row in self.rows}
        return [tree for tree_id, tree in self.trees.items() if tree_id not in known]


def _side_by_side(kit: Toolkit, prefix: str, columns: Columns) -> Iterator[_Step]:
    """Yield all of a top-level folder, and all rows of the table behind it, once each.

    The first of the columns is the id that names carry.
    """
    trees = ((UUID(tree.name), tree) for tree in _trees(kit.storage, prefix))
    low = FIRST
    while some := dict(islice(trees, STEP)):
        # Listed before they are looked for: a row is written before its file.
        high = max(some)
        yield _Step(some, list(_rows_between(kit, columns, low, high)))
        low = high
    rows = _rows_between(kit, columns, low, LAST)
    while without := list(islice(rows, STEP)):
        yield _Step({}, without)


def _trees(storage: Storage, prefix: str) -> Iterator[Tree]:
    """Yield what carries an id; whatever else an operator keeps there is not ours."""
    for tree in storage.trees(prefix):
        try:
            if str(UUID(tree.name)) == tree.name:
                yield tree
        except ValueError:
            continue


def _rows_between(kit: Toolkit, columns: Columns, low: UUID, high: UUID) -> Iterator[Row[Any]]:
    """Yield the rows above ``low``, up to ``high``, in the order of their ids."""
    key = columns[0]
    page = select(*columns).order_by(key).limit(STEP)
    while True:
        wanted = page.where(key > low, key <= high)
        rows: Sequence[Any] = transact(kit.engine, lambda session: session.execute(wanted).all())  # noqa: B023 - run at once
        yield from rows
        if len(rows) < STEP:
            return
        low = rows[-1].id
