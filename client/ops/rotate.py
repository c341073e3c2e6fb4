"""``avemotion ops keys rotate``: another secret for the same key."""

from __future__ import annotations

import secrets
import uuid
from typing import Annotated

import typer
from sqlalchemy import update
from sqlalchemy.orm import Session

from client.ops.database import in_database
from shared.errors import AvemotionError, ErrorCode
from shared.keys import PREFIX, SECRET_BYTES, hash_key
from shared.tables import ApiKey


def rotate(key_id: Annotated[uuid.UUID, typer.Argument(metavar="ID", help="As `list` shows it.")]) -> None:
    """Give a key another secret and print it, once; the one before ends within seconds.

    Whoever has the new one sees all that was made with the old one: it is the same key.
    """
    secret = in_database(lambda session: renew_secret(session, key_id))
    typer.echo(f"Key {key_id} has another secret. Keep it now: it cannot be shown again.", err=True)
    typer.echo(secret)


def renew_secret(session: Session, key_id: uuid.UUID) -> str:
    """Replace a valid key's secret; return the new one, which nobody can read again.

    Raises:
        AvemotionError: There is no such key, or it is revoked.
    """
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    renewed = (
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(sha256=hash_key(secret))
        .returning(ApiKey.id)
    )
    if session.scalar(renewed) is None:
        raise AvemotionError(ErrorCode.NOT_FOUND, f"There is no valid key {key_id}.")
    return secret
