"""A key's secret before, which works for a while beside its new one.

The release before keeps working: it does not read the columns, so it refuses the secret before. Rotate with
an overlap when all of its processes are gone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COMMENT = "Hash of the secret before, which works beside it until `previous_until`."
INDEX = "ix_api_keys_previous_sha256"


def upgrade() -> None:
    """Apply the change."""
    op.add_column("api_keys", sa.Column("previous_sha256", sa.String(), nullable=True, comment=COMMENT))
    op.add_column("api_keys", sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index(INDEX, "api_keys", ["previous_sha256"])


def downgrade() -> None:
    """Take the change back."""
    op.drop_index(INDEX, "api_keys")
    op.drop_column("api_keys", "previous_until")
    op.drop_column("api_keys", "previous_sha256")
