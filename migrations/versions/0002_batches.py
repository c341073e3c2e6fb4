"""Batches: references of their jobs, their erasure, and indexes for counts and results.

The release before keeps working: it writes no reference, and each index that goes is replaced by one that
serves the same queries.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UNFINISHED = "status IN ('queued', 'running')"
IN_BATCH = "batch_id IS NOT NULL"
VISIBLE_IN_BATCH = "batch_id IS NOT NULL AND deleted_at IS NULL"
DELETED = "deleted_at IS NOT NULL"


def upgrade() -> None:
    """Apply the change."""
    op.alter_column(
        "batches",
        "closed_at",
        existing_type=sa.DateTime(timezone=True),
        existing_nullable=True,
        comment="From then on it takes no more jobs.",
    )
    op.add_column(
        "batches",
        sa.Column(
            "deleted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When its erasure began; from then on nobody sees it.",
        ),
    )
    op.create_index("ix_batches_owner_id_id", "batches", ["owner_id", "id"])
    op.create_index("ix_batches_deleted_at", "batches", ["deleted_at"], postgresql_where=sa.text(DELETED))
    op.add_column(
        "jobs",
        sa.Column("reference", sa.String(), nullable=True, comment="The client's name for a job of a batch."),
    )
    op.create_index("ix_jobs_unfinished", "jobs", ["priority", "id"], postgresql_where=sa.text(UNFINISHED))
    op.create_index("ix_jobs_batch_id_id", "jobs", ["batch_id", "id"], postgresql_where=sa.text(IN_BATCH))
    op.create_index(
        "ix_jobs_batch_counts",
        "jobs",
        ["batch_id", "status"],
        postgresql_include=["error_code", "started_at", "finished_at"],
        postgresql_where=sa.text(VISIBLE_IN_BATCH),
    )
    op.drop_index("ix_jobs_open", table_name="jobs")
    op.drop_index("ix_jobs_batch_id", table_name="jobs")


def downgrade() -> None:
    """Take the change back."""
    op.create_index("ix_jobs_batch_id", "jobs", ["batch_id"])
    op.create_index("ix_jobs_open", "jobs", ["id"], postgresql_where=sa.text(UNFINISHED))
    op.drop_index("ix_jobs_batch_counts", table_name="jobs")
    op.drop_index("ix_jobs_batch_id_id", table_name="jobs")
    op.drop_index("ix_jobs_unfinished", table_name="jobs")
    op.drop_column("jobs", "reference")
    op.drop_index("ix_batches_deleted_at", table_name="batches")
    op.drop_index("ix_batches_owner_id_id", table_name="batches")
    op.drop_column("batches", "deleted_at")
    op.alter_column(
        "batches",
        "closed_at",
        existing_type=sa.DateTime(timezone=True),
        existing_nullable=True,
        comment=None,
    )
