"""Bringing a database to the newest version, safely from several processes at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from shared.database import connect
from shared.settings import Settings

# Any number that nobody else uses in this database.
ADVISORY_LOCK = 7_232_018


def alembic_config() -> Config:
    """Return Alembic's configuration: this folder, and no file to keep in step with it."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return config


def upgrade(settings: Settings) -> None:
    """Migrate to the newest version; a second caller waits and then finds nothing to do.

    Raises:
        RuntimeError: No address is set, or it is a pooler's.
    """
    if settings.database_pooler:
        # The lock below is the session's, and so are its limits.
        raise RuntimeError(
            "Migrations need PostgreSQL's own address: set AVEMOTION_DATABASE_URL to it, and "
            "AVEMOTION_DATABASE_POOLER=no, for this command."
        )
    engine = connect(settings, pool_size=1)
    with engine.connect() as connection:
        # A migration may take its time, and so may the wait for another's.
        connection.execute(text("SET statement_timeout = 0; SET lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()
    engine.dispose()
