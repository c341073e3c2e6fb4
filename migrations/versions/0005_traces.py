"""Traces: what the spans of a job stand under.

The release before keeps working: it writes none, and a job without one is not traced.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column(
        "jobs",
        sa.Column(
            "trace_parent",
            sa.String(),
            nullable=True,
            comment="What its spans stand under: W3C's traceparent; null where nobody traces.",
        ),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("jobs", "trace_parent")
