"""Units of work: segments, their stages, and their windows' predictions.

A unit is claimed by one conditional UPDATE that sets a lease and raises the fencing token; whoever
commits must still hold that token. ``worker/lease.py`` is the only writer of these columns.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import REAL, BigInteger, ForeignKey, Identity, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from shared.tables.base import Base, CreatedAt, Id, words


class StageName(StrEnum):
    """The steps of a job, in their order."""

    INGEST = "ingest"
    FACES = "faces"
    SOUND = "sound"
    FUSION = "fusion"
    INFERENCE = "inference"


class WorkStatus(StrEnum):
    """Where a unit of work stands."""

    WAITING = "waiting"
    """An earlier stage has to end first."""
    READY = "ready"
    """May be claimed."""
    LEASED = "leased"
    """A worker has claimed it and keeps the lease alive."""
    DONE = "done"
    """Its result is committed."""
    SKIPPED = "skipped"
    """A window with neither face nor voice: there is nothing to score."""
    CANCELLED = "cancelled"
    """Its job ended without it."""


class Leasable:
    """Columns of a unit that a worker claims."""

    status: Mapped[WorkStatus] = mapped_column(words(WorkStatus))
    token: Mapped[int] = mapped_column(default=0, comment="Fencing token; grows with each claim.")
    lease_until: Mapped[datetime | None]
    losses: Mapped[int] = mapped_column(default=0, comment="Workers that died holding it.")
    retries: Mapped[int] = mapped_column(default=0, comment="New tries after failures that may pass.")
    not_before: Mapped[datetime | None] = mapped_column(comment="Earliest next claim, for backoff.")


class Segment(Base):
    """A span of a job's media: the unit of parallel work."""

    __tablename__ = "segments"
    __table_args__ = (UniqueConstraint("job_id", "index"),)

    id: Mapped[Id]
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    index: Mapped[int]
    start_s: Mapped[float]
    end_s: Mapped[float]


class Stage(Leasable, Base):
    """One stage of one segment, or the ingest of a job."""

    __tablename__ = "segment_stages"
    __table_args__ = (
        UniqueConstraint("job_id", "segment_id", "name", postgresql_nulls_not_distinct=True),
        Index("ix_segment_stages_segment_id", "segment_id"),
        Index("ix_segment_stages_ready", "published_at", postgresql_where="status = 'ready'"),
        Index("ix_segment_stages_leased", "lease_until", postgresql_where="status = 'leased'"),
    )

    id: Mapped[Id]
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    segment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("segments.id", ondelete="CASCADE"))
    name: Mapped[StageName] = mapped_column(words(StageName))
    published_at: Mapped[datetime | None] = mapped_column(
        comment="When its message was last sent, or is taken to have been."
    )
    output: Mapped[dict[str, Any] | None] = mapped_column(comment="Facts and storage keys of its result.")
    created_at: Mapped[CreatedAt]


class Prediction(Leasable, Base):
    """One window: one model input and what the model said."""

    __tablename__ = "predictions"
    __table_args__ = (
        UniqueConstraint("segment_id", "index"),
        Index("ix_predictions_job_id_start_s", "job_id", "start_s"),
        Index("ix_predictions_ready", "rank", "id", postgresql_where="status = 'ready'"),
        Index("ix_predictions_leased", "lease_until", postgresql_where="status = 'leased'"),
    )

    # A plain counter: windows are claimed oldest first, and rows are many and small.
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    segment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("segments.id", ondelete="CASCADE"))
    index: Mapped[int] = mapped_column(comment="Position in the segment.")
    rank: Mapped[int] = mapped_column(comment="Priority of the job; 0 is claimed first.")
    start_s: Mapped[float]
    end_s: Mapped[float]
    modalities: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    face_coverage: Mapped[float | None] = mapped_column(REAL)
    voice_activity: Mapped[float | None] = mapped_column(REAL)
    probabilities: Mapped[dict[str, Any] | None]
    valence: Mapped[float | None] = mapped_column(REAL)
    arousal: Mapped[float | None] = mapped_column(REAL)
