"""An owner's batch; another's is as if it were not there."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.errors import AvemotionError, ErrorCode
from shared.tables import Batch


def find_batch(session: Session, batch_id: UUID, owner_id: UUID | None, *, lock: bool = False) -> Batch:
    """Return a batch; with ``lock`` its row is locked until the transaction ends.

    Raises:
        AvemotionError: The owner has no such batch.
    """
    mine = select(Batch).where(Batch.id == batch_id, Batch.owner_id == owner_id, Batch.deleted_at.is_(None))
    batch = session.scalars(mine.with_for_update(key_share=True) if lock else mine).one_or_none()
    if batch is None:
        raise AvemotionError(ErrorCode.NOT_FOUND, f"There is no batch {batch_id}.")
    return batch
