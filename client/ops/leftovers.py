"""How much a purge removes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from client.ops.words import number, size
from shared.tables import Upload


@dataclass(frozen=True)
class Leftovers:
    """What is removed.

    Attributes:
        jobs: Jobs with their results and files.
        uploads: Uploads that no job needs.
        upload_bytes: Their size.
        folders: Folders of files that no row knows.
    """

    jobs: int
    uploads: int
    upload_bytes: int
    folders: int = 0

    def __str__(self) -> str:
        """Return it in words."""
        words = f"{number(self.jobs, 'job')}, {number(self.uploads, 'upload')} ({size(self.upload_bytes)})"
        return words + (f", {number(self.folders, 'folder')} that no row knows" if self.folders else "")


def count_uploads(session: Session, condition: ColumnElement[bool]) -> tuple[int, int]:
    """Return how many uploads meet a condition, and their bytes."""
    sizes = select(func.count(), func.coalesce(func.sum(Upload.size_bytes), 0)).where(condition)
    count, total = session.execute(sizes.select_from(Upload)).one()
    return count or 0, int(total or 0)
