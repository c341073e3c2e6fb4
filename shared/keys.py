"""API keys: made, rotated, listed, revoked and looked up. A secret is seen once, when it is made."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, null, select, update
from sqlalchemy.orm import Session

from shared.tables import ApiKey

SECRET_BYTES = 32
# Lets a scanner of leaked secrets tell what it has found.
PREFIX = "avm_"


class Caller(NamedTuple):
    """Whose key a request was made with.

    Attributes:
        id: The key's id.
        requests_per_minute: Its own limit; ``None``: as the settings say; 0: none.
    """

    id: UUID
    requests_per_minute: int | None


def hash_key(secret: str) -> str:
    """Return the form in which a key is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_key(
    session: Session, name: str, limits: Mapping[str, int | None] | None = None
) -> tuple[UUID, str]:
    """Make a key with some limits of its own; return its id, and the secret that nobody can read again."""
    secret = _new_secret()
    key = ApiKey(name=name, sha256=hash_key(secret), **(limits or {}))
    session.add(key)
    session.flush()
    return key.id, secret


def rotate_key(session: Session, key_id: UUID, overlap_s: float = 0) -> tuple[str, datetime | None] | None:
    """Give a valid key another secret.

    Args:
        session: A transaction.
        key_id: Which key.
        overlap_s: For how long the secret before works beside the new one. One before that ends now.

    Returns:
        The new secret, which nobody can read again, and until when the one before works, if it does;
        ``None`` if there is no such key, or it is revoked.
    """
    secret = _new_secret()
    before: dict[str, Any] = {"previous_sha256": null(), "previous_until": null()}
    if overlap_s:
        until = func.now() + timedelta(seconds=overlap_s)
        before = {"previous_sha256": ApiKey.sha256, "previous_until": until}
    rotated = (
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(sha256=hash_key(secret), **before)
        .returning(ApiKey.previous_until)
    )
    row = session.execute(rotated).one_or_none()
    return None if row is None else (secret, row.previous_until)


def list_keys(session: Session) -> Sequence[ApiKey]:
    """Return all keys, oldest first, the revoked ones too."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id)).all()


def revoke_key(session: Session, key_id: UUID) -> bool:
    """Revoke a key; tell whether it was there and valid."""
    revoked = (
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(ApiKey.id)
    )
    return session.scalar(revoked) is not None


def limit_key(session: Session, key_id: UUID, limits: Mapping[str, int | None]) -> ApiKey | None:
    """Give a valid key other limits, and return it; ``None`` if there is none."""
    found = select(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
    key = session.scalars(found.with_for_update(key_share=True)).one_or_none()
    if key is not None:
        for name, value in limits.items():
            setattr(key, name, value)
    return key


def find_key(session: Session, key_id: UUID) -> ApiKey | None:
    """Return a key, revoked or not."""
    return session.get(ApiKey, key_id)


def find_owner(session: Session, secret: str) -> UUID | None:
    """Return the id of a valid key; ``None`` for a revoked or unknown one."""
    caller = find_caller(session, secret)
    return None if caller is None else caller.id


def find_caller(session: Session, secret: str) -> Caller | None:
    """Return the owner of a valid key with its limit; ``None`` for a revoked or unknown one."""
    sha256 = hash_key(secret)
    before = (ApiKey.previous_sha256 == sha256) & (ApiKey.previous_until > func.now())
    found = select(ApiKey.id, ApiKey.requests_per_minute).where(
        (ApiKey.sha256 == sha256) | before, ApiKey.revoked_at.is_(None)
    )
    row = session.execute(found).one_or_none()
    return None if row is None else Caller(row.id, row.requests_per_minute)


def _new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)
