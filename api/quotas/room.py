"""How many bytes of uploads are kept for a key.

A file's hash, and with it whether it is here already, is known at its end only. So what could still be a file
that is here is read to its end; the rest is refused as soon as it is too much.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from api.problems import RefusedForNowError
from api.quotas.locking import lock_limit, read_limit
from shared.errors import ErrorCode
from shared.settings import Settings
from shared.tables import ApiKey, Upload, UploadKind, UploadState

# Room comes when something is deleted or expires, and nobody knows when that is.
RETRY_AFTER_S = 60


class Room(NamedTuple):
    """What a key has and may have, in bytes, when an upload begins.

    Attributes:
        limit: All that it may keep.
        used: What it keeps.
        largest: Its largest upload of this kind.
    """

    limit: int
    used: int
    largest: int

    def check_known(self, size_bytes: int) -> None:
        """Raise once so much has come that it neither fits nor is an upload that is here already.

        Raises:
            RefusedForNowError: It is too much.
        """
        if size_bytes > max(self.limit - self.used, self.largest):
            raise refusal(self.limit, self.used)


def find_room(session: Session, owner_id: UUID | None, kind: UploadKind, settings: Settings) -> Room | None:
    """Return how much a key has at this moment; ``None`` if it may have any amount."""
    limit = read_limit(session, owner_id, ApiKey.max_bytes, settings.key_max_bytes)
    if limit is None:
        return None
    # The state in words, for the index of a key's uploads.
    of_kind = (Upload.owner_id == owner_id, Upload.kind == kind, text("state = 'stored'"))
    largest = session.scalar(select(func.max(Upload.size_bytes)).where(*of_kind)) or 0
    return Room(limit, used_by(session, owner_id), largest)


def lock_room(session: Session, owner_id: UUID | None, settings: Settings) -> int | None:
    """Return how many bytes a key may keep, with its row locked; ``None`` for any number."""
    return lock_limit(session, owner_id, ApiKey.max_bytes, settings.key_max_bytes)


def check_room(session: Session, owner_id: UUID | None, more: int, limit: int, *, coming: int = 0) -> None:
    """Raise if a key, whose row is locked, may not keep so many more bytes.

    Args:
        session: The transaction.
        owner_id: The key.
        more: Bytes to be added.
        limit: What it may keep.
        coming: Bytes of other files that are on their way.

    Raises:
        RefusedForNowError: It may not.
    """
    used = used_by(session, owner_id) + coming
    if used + more > limit:
        raise refusal(limit, used, more)


def used_by(session: Session, owner_id: UUID | None) -> int:
    """Return the bytes that are kept for a key."""
    # As above, and from the index alone.
    kept = select(func.sum(Upload.size_bytes)).where(
        Upload.owner_id == owner_id, text("state = 'stored'"), Upload.expires_at > func.now()
    )
    return int(session.scalar(kept) or 0)


def coming_to(session: Session, owner_id: UUID | None, within_s: float) -> int:
    """Return the bytes that a key announced in the last seconds, to send them to the object store itself."""
    announced = select(func.sum(Upload.size_bytes)).where(
        Upload.owner_id == owner_id,
        Upload.state == UploadState.RECEIVING,
        Upload.created_at > func.now() - timedelta(seconds=within_s),
    )
    return int(session.scalar(announced) or 0)


def refusal(limit: int, used: int, more: int | None = None) -> RefusedForNowError:
    """Return the error for an upload that a key may not keep."""
    asked = "this upload has more than that leaves" if more is None else f"this upload has {more}"
    return RefusedForNowError(
        ErrorCode.QUOTA_EXCEEDED,
        f"This key may keep {limit} bytes of uploads; it has {used}, and {asked}. Delete jobs whose media "
        "are not needed any more, or wait until uploads expire.",
        RETRY_AFTER_S,
    )
