"""API keys."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
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
    previous_sha256: Mapped[str | None] = mapped_column(
        index=True, comment="Hash of the secret before, which works beside it until `previous_until`."
    )
    previous_until: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    revoked_at: Mapped[datetime | None]
    max_jobs: Mapped[int | None] = mapped_column(
        comment="Unfinished jobs at a time; null: as the settings say; 0: no limit."
    )
    max_bytes: Mapped[int | None] = mapped_column(
        BigInteger, comment="Bytes of uploads kept; null and 0 as for jobs."
    )
    requests_per_minute: Mapped[int | None] = mapped_column(
        comment="Requests a minute; null and 0 as for jobs."
    )
