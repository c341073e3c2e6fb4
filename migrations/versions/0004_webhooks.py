"""Webhooks: who is told of the end of a job or batch, what is to be delivered, and what became of it.

The release before keeps working, and takes no ``webhook_url``. Its workers write no webhooks: set
``AVEMOTION_WEBHOOK_SECRET``, without which none are asked for, when none of them runs any more.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

URL_COMMENT = "Who is told of its end; normalised."
UNANNOUNCED = "webhook_url IS NOT NULL AND closed_at IS NOT NULL AND announced_at IS NULL"
OUTCOME = sa.String(16)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply the change."""
    for table in ("batches", "jobs"):
        op.add_column(table, sa.Column("webhook_url", sa.String(), nullable=True, comment=URL_COMMENT))
    op.add_column(
        "batches",
        sa.Column(
            "announced_at",
            MOMENT,
            nullable=True,
            comment="When its end was noticed, if somebody is to be told of it.",
        ),
    )
    op.create_index("ix_batches_unannounced", "batches", ["id"], postgresql_where=sa.text(UNANNOUNCED))
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("event", sa.String(), nullable=False, comment="Type of the event, such as job.succeeded."),
        sa.Column(
            "receiver",
            sa.String(),
            nullable=False,
            comment="Host and port; the whole address stands in its subject.",
        ),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False, comment="Fencing token; grows with each claim."),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column(
            "tries",
            sa.Integer(),
            nullable=False,
            comment="Claims since it was made, or asked for again.",
        ),
        sa.Column(
            "attempts",
            sa.Integer(),
            nullable=False,
            comment="Tries of those whose outcome is known.",
        ),
        sa.Column("next_try_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("last_try_at", MOMENT, nullable=True),
        sa.Column("last_outcome", OUTCOME, nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True, comment="HTTP status of the last answer."),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("num_nonnulls(job_id, batch_id) = 1", name=op.f("ck_webhooks_has_one_subject")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_webhooks_job_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_webhooks_batch_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("job_id", name=op.f("uq_webhooks_job_id")),
        sa.UniqueConstraint("batch_id", name=op.f("uq_webhooks_batch_id")),
    )
    op.create_index(
        "ix_webhooks_pending",
        "webhooks",
        ["receiver", "next_try_at"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_webhooks_failed", "webhooks", ["id"], postgresql_where=sa.text("state = 'failed'"))
    op.create_table(
        "webhook_tallies",
        sa.Column("outcome", OUTCOME, nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("outcome", name=op.f("pk_webhook_tallies")),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("webhook_tallies")
    op.drop_table("webhooks")
    op.drop_index("ix_batches_unannounced", table_name="batches")
    op.drop_column("batches", "announced_at")
    for table in ("jobs", "batches"):
        op.drop_column(table, "webhook_url")
