"""Jobs and the batches they belong to."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.tables.base import Base, CreatedAt, Id, OwnerId, words


class JobStatus(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    """Written, not yet begun."""
    RUNNING = "running"
    """A worker has begun."""
    SUCCEEDED = "succeeded"
    """It has a result."""
    FAILED = "failed"
    """It has a typed error."""
    CANCELLED = "cancelled"
    """Somebody cancelled it."""

    @property
    def ended(self) -> bool:
        """Tell whether nothing more will happen by itself."""
        return self in ENDED


ENDED = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED})


class Priority(StrEnum):
    """Which queue a job's work waits in."""

    INTERACTIVE = "interactive"
    BULK = "bulk"

    @property
    def rank(self) -> int:
        """Return the order of claims: 0 comes first."""
        return 0 if self is Priority.INTERACTIVE else 1


class Batch(Base):
    """Jobs that belong together."""

    __tablename__ = "batches"
    __table_args__ = (
        Index("ix_batches_owner_id_id", "owner_id", "id"),
        Index("ix_batches_deleted_at", "deleted_at", postgresql_where="deleted_at IS NOT NULL"),
        Index(
            "ix_batches_unannounced",
            "id",
            postgresql_where="webhook_url IS NOT NULL AND closed_at IS NOT NULL AND announced_at IS NULL",
        ),
    )

    id: Mapped[Id]
    owner_id: Mapped[OwnerId]
    name: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    closed_at: Mapped[datetime | None] = mapped_column(comment="From then on it takes no more jobs.")
    deleted_at: Mapped[datetime | None] = mapped_column(
        comment="When its erasure began; from then on nobody sees it."
    )
    webhook_url: Mapped[str | None] = mapped_column(comment="Who is told of its end; normalised.")
    announced_at: Mapped[datetime | None] = mapped_column(
        comment="When its end was noticed, if somebody is to be told of it."
    )


class Job(Base):
    """Score this video and/or this audio with these options."""

    __tablename__ = "jobs"
    # Reading defaults back would make one statement with tens of thousands of values of many inserts.
    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012 - SQLAlchemy has it as no class variable
    __table_args__ = (
        Index(
            "uq_jobs_idempotency_key",
            "owner_id",
            "idempotency_key",
            unique=True,
            postgresql_where="idempotency_key IS NOT NULL",
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_jobs_unfinished", "priority", "id", postgresql_where="status IN ('queued', 'running')"),
        Index(
            "ix_jobs_owner_id_unfinished",
            "owner_id",
            postgresql_where="status IN ('queued', 'running') AND owner_id IS NOT NULL",
        ),
        Index("ix_jobs_batch_id_id", "batch_id", "id", postgresql_where="batch_id IS NOT NULL"),
        # All that a batch's counts are made of: they are read from the index alone.
        Index(
            "ix_jobs_batch_counts",
            "batch_id",
            "status",
            postgresql_include=["error_code", "started_at", "finished_at"],
            postgresql_where="batch_id IS NOT NULL AND deleted_at IS NULL",
        ),
        Index("ix_jobs_owner_id_id", "owner_id", "id"),
        Index("ix_jobs_expires_at", "expires_at"),
        # Sums and the order in which room is made are read from it alone.
        Index(
            "ix_jobs_artifacts",
            "finished_at",
            postgresql_include=["id", "artifact_bytes"],
            postgresql_where="artifact_bytes > 0",
        ),
    )

    id: Mapped[Id]
    owner_id: Mapped[OwnerId]
    batch_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("batches.id"))
    reference: Mapped[str | None] = mapped_column(comment="The client's name for a job of a batch.")
    video_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("uploads.id", ondelete="SET NULL"), index=True
    )
    audio_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("uploads.id", ondelete="SET NULL"), index=True
    )
    idempotency_key: Mapped[str | None]
    request_sha256: Mapped[str] = mapped_column(comment="Tells a repeated request from another one.")

    fusion: Mapped[str]
    analyzer: Mapped[str]
    model: Mapped[str]
    window_s: Mapped[float]
    stride_s: Mapped[float]
    priority: Mapped[Priority] = mapped_column(words(Priority))
    rules: Mapped[list[dict[str, Any]]] = mapped_column(
        default=list, server_default=text("'[]'"), comment="What alerts are looked for."
    )
    webhook_url: Mapped[str | None] = mapped_column(comment="Who is told of its end; normalised.")

    trace_parent: Mapped[str | None] = mapped_column(
        comment="What its spans stand under: W3C's traceparent; null where nobody traces."
    )

    status: Mapped[JobStatus] = mapped_column(words(JobStatus), default=JobStatus.QUEUED)
    attempt: Mapped[int] = mapped_column(default=1, comment="Grows by one with each retry by request.")
    version: Mapped[int] = mapped_column(
        default=1, comment="Grows with each change a client can see; the ETag."
    )
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    stages_total: Mapped[int] = mapped_column(default=1)
    stages_done: Mapped[int] = mapped_column(default=0)
    segments_total: Mapped[int] = mapped_column(default=0)
    segments_done: Mapped[int] = mapped_column(default=0)
    stage: Mapped[str | None] = mapped_column(comment="The stage that was last begun.")
    stage_seconds: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="Compute seconds by stage.")
    media: Mapped[dict[str, Any] | None] = mapped_column(comment="What probing found.")
    analyzer_info: Mapped[dict[str, Any] | None]
    model_info: Mapped[dict[str, Any] | None]
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    summary: Mapped[dict[str, Any] | None]

    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None] = mapped_column(
        comment="When its erasure began; from then on nobody sees it."
    )
    tidied_at: Mapped[datetime | None] = mapped_column(
        comment="When intermediate files of the ended job were removed."
    )
    artifact_bytes: Mapped[int | None] = mapped_column(
        BigInteger, comment="Size of the artifacts that were kept then; null while nobody knows."
    )
    artifacts_dropped_at: Mapped[datetime | None] = mapped_column(
        comment="When the removal of its artifacts began; the result stays."
    )

    @property
    def storage_prefix(self) -> str:
        """Return the folder of everything stored for the job."""
        return f"jobs/{self.id}"
