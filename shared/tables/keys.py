"""API keys."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from shared.tables.base import Base, CreatedAt, Id


class ApiKey(Base):
    """A tenant: each key sees only what it made."""

    __tablename__ = "api_keys"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(comment="The operator's name for the key.")
    sha256: Mapped[str] = mapped_column(
        unique=True, comment="Hash of the key; 256 random bits need no salt or slow hash."
    )
    created_at: Mapped[CreatedAt]
    revoked_at: Mapped[datetime | None]
