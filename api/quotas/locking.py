"""The limit of a key, with its row locked: whoever checks it next waits until this request is done."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared.tables import ApiKey

Limit = InstrumentedAttribute[int | None]


def lock_limit(session: Session, owner_id: UUID | None, column: Limit, default: int | None) -> int | None:
    """Return a key's limit; ``None``, and nothing is locked, if it has none.

    A key's row is locked after its batch and its job, and before any upload: one order everywhere. Rows that
    name the key may be written meanwhile.
    """
    limit = effective(column, default)
    statement = select(limit).where(ApiKey.id == owner_id, limit > 0)
    return None if owner_id is None else session.scalar(statement.with_for_update(key_share=True))


def read_limit(session: Session, owner_id: UUID | None, column: Limit, default: int | None) -> int | None:
    """Return a key's limit without locking anything; ``None`` if it has none."""
    limit = effective(column, default)
    statement = select(limit).where(ApiKey.id == owner_id, limit > 0)
    return None if owner_id is None else session.scalar(statement)


def effective(column: Limit, default: int | None) -> ColumnElement[int]:
    """Return a key's own limit, or else the one of the settings; 0 for none."""
    # Of the column's own type: bytes do not fit into an integer.
    return func.coalesce(column, literal(default or 0, column.type))
