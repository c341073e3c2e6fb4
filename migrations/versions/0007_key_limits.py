"""Limits of a key, and the indexes that they are checked with.

The release before keeps working: it neither reads nor writes the columns, and checks nothing. While the
indexes are made, nothing is written to jobs and uploads: a second or two for a million rows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UNFINISHED = "status IN ('queued', 'running') AND owner_id IS NOT NULL"
STORED = "state = 'stored' AND owner_id IS NOT NULL"
COLUMNS = (
    ("max_jobs", sa.Integer(), "Unfinished jobs at a time; null: as the settings say; 0: no limit."),
    ("max_bytes", sa.BigInteger(), "Bytes of uploads kept; null and 0 as for jobs."),
    ("requests_per_minute", sa.Integer(), "Requests a minute; null and 0 as for jobs."),
)


def upgrade() -> None:
    """Apply the change."""
    for name, kind, comment in COLUMNS:
        op.add_column("api_keys", sa.Column(name, kind, nullable=True, comment=comment))
    op.create_index("ix_jobs_owner_id_unfinished", "jobs", ["owner_id"], postgresql_where=sa.text(UNFINISHED))
    op.create_index(
        "ix_uploads_owner_id_stored",
        "uploads",
        ["owner_id"],
        postgresql_include=["size_bytes", "expires_at"],
        postgresql_where=sa.text(STORED),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_index("ix_uploads_owner_id_stored", table_name="uploads")
    op.drop_index("ix_jobs_owner_id_unfinished", table_name="jobs")
    for name, _, _ in COLUMNS:
        op.drop_column("api_keys", name)
