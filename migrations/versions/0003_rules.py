"""Rules of jobs.

The release before keeps working: it writes none, and the default stands in for them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column(
        "jobs",
        sa.Column(
            "rules",
            sa.JSON(),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="What alerts are looked for.",
        ),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("jobs", "rules")
