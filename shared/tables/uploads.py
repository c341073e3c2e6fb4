"""Stored media files."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from shared.tables.base import Base, CreatedAt, Id, OwnerId, words


class UploadKind(StrEnum):
    """Which address the media came to."""

    VIDEO = "video"
    AUDIO = "audio"


class UploadState(StrEnum):
    """How far an upload has come; the row is written before the first byte is stored."""

    RECEIVING = "receiving"
    STORED = "stored"


class Upload(Base):
    """One media file in storage, under a key made from its id."""

    __tablename__ = "uploads"
    __table_args__ = (
        Index(
            "uq_uploads_content",
            "owner_id",
            "kind",
            "sha256",
            unique=True,
            postgresql_where="state = 'stored'",
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_uploads_expires_at", "expires_at"),
        # All that a key's bytes are counted by.
        Index(
            "ix_uploads_owner_id_stored",
            "owner_id",
            postgresql_include=["size_bytes", "expires_at"],
            postgresql_where="state = 'stored' AND owner_id IS NOT NULL",
        ),
    )

    id: Mapped[Id]
    owner_id: Mapped[OwnerId]
    kind: Mapped[UploadKind] = mapped_column(words(UploadKind))
    state: Mapped[UploadState] = mapped_column(words(UploadState))
    media_type: Mapped[str] = mapped_column(comment="Found in the bytes, never taken from the client.")
    demuxer: Mapped[str] = mapped_column(comment="The only container format a decoder may read it as.")
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]

    @property
    def storage_key(self) -> str:
        """Return where the bytes lie."""
        return f"uploads/{self.id}"
