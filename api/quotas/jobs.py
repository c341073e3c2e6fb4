"""How many unfinished jobs a key may have."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from api.problems import RefusedForNowError
from api.quotas.locking import lock_limit
from shared.errors import ErrorCode
from shared.settings import Settings
from shared.tables import ApiKey, Job

# Jobs end within seconds to minutes.
RETRY_AFTER_S = 10


def check_jobs(session: Session, owner_id: UUID | None, more: int, settings: Settings) -> None:
    """Raise if a key may not have so many more unfinished jobs; until the transaction ends, none is added.

    Raises:
        RefusedForNowError: It has too many, whatever their priority and batch.
    """
    limit = lock_limit(session, owner_id, ApiKey.max_jobs, settings.key_max_jobs)
    if limit is None:
        return
    # The states in words, not as values: only so is the index of a key's unfinished jobs sure to be used.
    unfinished = (
        select(Job.id)
        .where(Job.owner_id == owner_id, text("status IN ('queued', 'running')"))
        .limit(limit)
        .subquery()
    )
    used = session.scalar(select(func.count()).select_from(unfinished)) or 0
    if used + more > limit:
        asked = "one more was" if more == 1 else f"{more} more were"
        raise RefusedForNowError(
            ErrorCode.QUOTA_EXCEEDED,
            f"This key may have {limit} jobs waiting or running; it has {used}, and {asked} asked for. "
            "Try again when some have ended.",
            RETRY_AFTER_S,
        )
