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
        folders: Files and folders that no row knows.
        lost_uploads: Uploads whose file is gone.
        lost_artifacts: Jobs whose artifacts are gone.
    """

    jobs: int
    uploads: int
    upload_bytes: int
    folders: int = 0
    lost_uploads: int = 0
    lost_artifacts: int = 0

    def __str__(self) -> str:
        """Return it in words."""
        words = [number(self.jobs, "job"), f"{number(self.uploads, 'upload')} ({size(self.upload_bytes)})"]
        if self.folders:
            words.append(f"{number(self.folders, 'folder')} that no row knows")
        if self.lost_uploads:
            words.append(f"{number(self.lost_uploads, 'upload')} without a file")
        if self.lost_artifacts:
            words.append(f"artifacts of {number(self.lost_artifacts, 'job')} that are gone")
        return ", ".join(words)


def count_uploads(session: Session, condition: ColumnElement[bool]) -> tuple[int, int]:
    """Return how many uploads meet a condition, and their bytes."""
    sizes = select(func.count(), func.coalesce(func.sum(Upload.size_bytes), 0)).where(condition)
    count, total = session.execute(sizes.select_from(Upload)).one()
    return count or 0, int(total or 0)
