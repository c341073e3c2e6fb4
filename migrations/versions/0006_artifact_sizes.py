"""Sizes of jobs' artifacts, and when they were removed before their jobs.

The release before keeps working: it writes neither, and the janitor's sweep measures what it left.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column(
        "jobs",
        sa.Column(
            "artifact_bytes",
            sa.BigInteger(),
            nullable=True,
            comment="Size of the artifacts that were kept then; null while nobody knows.",
        ),
    )
    op.add_column(
        "jobs",
        sa.Column(
            "artifacts_dropped_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the removal of its artifacts began; the result stays.",
        ),
    )
    op.create_index(
        "ix_jobs_artifacts",
        "jobs",
        ["finished_at"],
        postgresql_include=["id", "artifact_bytes"],
        postgresql_where=sa.text("artifact_bytes > 0"),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_index("ix_jobs_artifacts", table_name="jobs")
    for column in ("artifacts_dropped_at", "artifact_bytes"):
        op.drop_column("jobs", column)
