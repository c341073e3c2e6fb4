"""First tables.

Each migration must work with the code of the previous release still running: add first, use next,
remove last.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False, comment="The operator's name for the key."),
        sa.Column(
            "sha256",
            sa.String(),
            nullable=False,
            comment="Hash of the key; 256 random bits need no salt or slow hash.",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_keys_sha256")),
    )
    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "owner_id",
            sa.Uuid(),
            nullable=True,
            comment="API key that made the row; null where keys are off.",
        ),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["api_keys.id"], name=op.f("fk_batches_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_index(op.f("ix_batches_owner_id"), "batches", ["owner_id"], unique=False)
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "owner_id",
            sa.Uuid(),
            nullable=True,
            comment="API key that made the row; null where keys are off.",
        ),
        sa.Column(
            "kind", sa.Enum("video", "audio", name="uploadkind", native_enum=False, length=16), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum("receiving", "stored", name="uploadstate", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column(
            "media_type",
            sa.String(),
            nullable=False,
            comment="Found in the bytes, never taken from the client.",
        ),
        sa.Column(
            "demuxer",
            sa.String(),
            nullable=False,
            comment="The only container format a decoder may read it as.",
        ),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["api_keys.id"], name=op.f("fk_uploads_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index("ix_uploads_expires_at", "uploads", ["expires_at"], unique=False)
    op.create_index(op.f("ix_uploads_owner_id"), "uploads", ["owner_id"], unique=False)
    op.create_index(
        "uq_uploads_content",
        "uploads",
        ["owner_id", "kind", "sha256"],
        unique=True,
        postgresql_where="state = 'stored'",
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "owner_id",
            sa.Uuid(),
            nullable=True,
            comment="API key that made the row; null where keys are off.",
        ),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("video_id", sa.Uuid(), nullable=True),
        sa.Column("audio_id", sa.Uuid(), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column(
            "request_sha256",
            sa.String(),
            nullable=False,
            comment="Tells a repeated request from another one.",
        ),
        sa.Column("fusion", sa.String(), nullable=False),
        sa.Column("analyzer", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("window_s", sa.Double(), nullable=False),
        sa.Column("stride_s", sa.Double(), nullable=False),
        sa.Column(
            "priority",
            sa.Enum("interactive", "bulk", name="priority", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "running",
                "succeeded",
                "failed",
                "cancelled",
                name="jobstatus",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column(
            "attempt", sa.Integer(), nullable=False, comment="Grows by one with each retry by request."
        ),
        sa.Column(
            "version",
            sa.Integer(),
            nullable=False,
            comment="Grows with each change a client can see; the ETag.",
        ),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("stages_total", sa.Integer(), nullable=False),
        sa.Column("stages_done", sa.Integer(), nullable=False),
        sa.Column("segments_total", sa.Integer(), nullable=False),
        sa.Column("segments_done", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(), nullable=True, comment="The stage that was last begun."),
        sa.Column(
            "stage_seconds",
            sa.JSON(),
            nullable=False,
            comment="Compute seconds by stage.",
        ),
        sa.Column("media", sa.JSON(), nullable=True, comment="What probing found."),
        sa.Column("analyzer_info", sa.JSON(), nullable=True),
        sa.Column("model_info", sa.JSON(), nullable=True),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "deleted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When its erasure began; from then on nobody sees it.",
        ),
        sa.Column(
            "tidied_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When intermediate files of the ended job were removed.",
        ),
        sa.ForeignKeyConstraint(
            ["audio_id"], ["uploads.id"], name=op.f("fk_jobs_audio_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_jobs_batch_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["api_keys.id"], name=op.f("fk_jobs_owner_id")),
        sa.ForeignKeyConstraint(
            ["video_id"], ["uploads.id"], name=op.f("fk_jobs_video_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_audio_id"), "jobs", ["audio_id"], unique=False)
    op.create_index(op.f("ix_jobs_batch_id"), "jobs", ["batch_id"], unique=False)
    op.create_index("ix_jobs_expires_at", "jobs", ["expires_at"], unique=False)
    op.create_index(
        "ix_jobs_open", "jobs", ["id"], unique=False, postgresql_where="status IN ('queued', 'running')"
    )
    op.create_index(op.f("ix_jobs_owner_id"), "jobs", ["owner_id"], unique=False)
    op.create_index("ix_jobs_owner_id_id", "jobs", ["owner_id", "id"], unique=False)
    op.create_index(op.f("ix_jobs_video_id"), "jobs", ["video_id"], unique=False)
    op.create_index(
        "uq_jobs_idempotency_key",
        "jobs",
        ["owner_id", "idempotency_key"],
        unique=True,
        postgresql_where="idempotency_key IS NOT NULL",
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "segments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_segments_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segments")),
        sa.UniqueConstraint("job_id", "index", name=op.f("uq_segments_job_id_index")),
    )
    op.create_table(
        "predictions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("segment_id", sa.Uuid(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False, comment="Position in the segment."),
        sa.Column("rank", sa.Integer(), nullable=False, comment="Priority of the job; 0 is claimed first."),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double(), nullable=False),
        sa.Column("modalities", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("face_coverage", sa.REAL(), nullable=True),
        sa.Column("voice_activity", sa.REAL(), nullable=True),
        sa.Column("probabilities", sa.JSON(), nullable=True),
        sa.Column("valence", sa.REAL(), nullable=True),
        sa.Column("arousal", sa.REAL(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "waiting",
                "ready",
                "leased",
                "done",
                "skipped",
                "cancelled",
                name="workstatus",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("token", sa.Integer(), nullable=False, comment="Fencing token; grows with each claim."),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("losses", sa.Integer(), nullable=False, comment="Workers that died holding it."),
        sa.Column("retries", sa.Integer(), nullable=False, comment="New tries after failures that may pass."),
        sa.Column(
            "not_before",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Earliest next claim, for backoff.",
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_predictions_job_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["segments.id"], name=op.f("fk_predictions_segment_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predictions")),
        sa.UniqueConstraint("segment_id", "index", name=op.f("uq_predictions_segment_id_index")),
    )
    op.create_index("ix_predictions_job_id_start_s", "predictions", ["job_id", "start_s"], unique=False)
    op.create_index(
        "ix_predictions_leased",
        "predictions",
        ["lease_until"],
        unique=False,
        postgresql_where="status = 'leased'",
    )
    op.create_index(
        "ix_predictions_ready",
        "predictions",
        ["rank", "id"],
        unique=False,
        postgresql_where="status = 'ready'",
    )
    op.create_table(
        "segment_stages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("segment_id", sa.Uuid(), nullable=True),
        sa.Column(
            "name",
            sa.Enum(
                "ingest",
                "faces",
                "sound",
                "fusion",
                "inference",
                name="stagename",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When its message was last sent, or is taken to have been.",
        ),
        sa.Column(
            "output",
            sa.JSON(),
            nullable=True,
            comment="Facts and storage keys of its result.",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "waiting",
                "ready",
                "leased",
                "done",
                "skipped",
                "cancelled",
                name="workstatus",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("token", sa.Integer(), nullable=False, comment="Fencing token; grows with each claim."),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("losses", sa.Integer(), nullable=False, comment="Workers that died holding it."),
        sa.Column("retries", sa.Integer(), nullable=False, comment="New tries after failures that may pass."),
        sa.Column(
            "not_before",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Earliest next claim, for backoff.",
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_segment_stages_job_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["segments.id"], name=op.f("fk_segment_stages_segment_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment_stages")),
        sa.UniqueConstraint(
            "job_id",
            "segment_id",
            "name",
            name=op.f("uq_segment_stages_job_id_segment_id_name"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(
        "ix_segment_stages_leased",
        "segment_stages",
        ["lease_until"],
        unique=False,
        postgresql_where="status = 'leased'",
    )
    op.create_index(
        "ix_segment_stages_ready",
        "segment_stages",
        ["published_at"],
        unique=False,
        postgresql_where="status = 'ready'",
    )
    op.create_index("ix_segment_stages_segment_id", "segment_stages", ["segment_id"], unique=False)


def downgrade() -> None:
    """Take the change back."""
    op.drop_index("ix_segment_stages_segment_id", table_name="segment_stages")
    op.drop_index("ix_segment_stages_ready", table_name="segment_stages", postgresql_where="status = 'ready'")
    op.drop_index(
        "ix_segment_stages_leased", table_name="segment_stages", postgresql_where="status = 'leased'"
    )
    op.drop_table("segment_stages")
    op.drop_index("ix_predictions_ready", table_name="predictions", postgresql_where="status = 'ready'")
    op.drop_index("ix_predictions_leased", table_name="predictions", postgresql_where="status = 'leased'")
    op.drop_index("ix_predictions_job_id_start_s", table_name="predictions")
    op.drop_table("predictions")
    op.drop_table("segments")
    op.drop_index(
        "uq_jobs_idempotency_key",
        table_name="jobs",
        postgresql_where="idempotency_key IS NOT NULL",
        postgresql_nulls_not_distinct=True,
    )
    op.drop_index(op.f("ix_jobs_video_id"), table_name="jobs")
    op.drop_index("ix_jobs_owner_id_id", table_name="jobs")
    op.drop_index(op.f("ix_jobs_owner_id"), table_name="jobs")
    op.drop_index("ix_jobs_open", table_name="jobs", postgresql_where="status IN ('queued', 'running')")
    op.drop_index("ix_jobs_expires_at", table_name="jobs")
    op.drop_index(op.f("ix_jobs_batch_id"), table_name="jobs")
    op.drop_index(op.f("ix_jobs_audio_id"), table_name="jobs")
    op.drop_table("jobs")
    op.drop_index(
        "uq_uploads_content",
        table_name="uploads",
        postgresql_where="state = 'stored'",
        postgresql_nulls_not_distinct=True,
    )
    op.drop_index(op.f("ix_uploads_owner_id"), table_name="uploads")
    op.drop_index("ix_uploads_expires_at", table_name="uploads")
    op.drop_table("uploads")
    op.drop_index(op.f("ix_batches_owner_id"), table_name="batches")
    op.drop_table("batches")
    op.drop_table("api_keys")
