"""Alembic's entry: compares and migrates against the tables of ``shared``."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from shared.database import connect
from shared.settings import get_settings
from shared.tables import Base


def migrate(connection: Connection) -> None:
    """Run the migrations on an open connection, each step in one transaction."""
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if isinstance(given, Connection):
    migrate(given)
else:
    # Tools bring an engine; Alembic's own command line brings nothing.
    engine = given or connect(get_settings(), pool_size=1)
    with engine.connect() as opened:
        migrate(opened)
        opened.commit()
