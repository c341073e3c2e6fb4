"""Bringing a database to the newest version, safely from several processes at once."""

from __future__ import annotations

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from shared.database import connect
from shared.settings import Settings

log = logging.getLogger(__name__)

# Any number that nobody else uses in this database.
ADVISORY_LOCK = 7_232_018


def alembic_config() -> Config:
    """Return Alembic's configuration: this folder, and no file to keep in step with it."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return config


def is_newer(connection: Connection) -> bool:
    """Tell whether a newer release than this one has migrated the database."""
    known = {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}
    there = MigrationContext.configure(connection).get_current_revision()
    return there is not None and there not in known


def upgrade(settings: Settings) -> None:
    """Migrate to the newest version; a second caller waits and then finds nothing to do."""
    engine = connect(settings, pool_size=1)
    with engine.connect() as connection:
        # A migration may take its time, and so may the wait for another's.
        connection.execute(text("SET statement_timeout = 0; SET lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()
        if is_newer(connection):
            # After a step back to an earlier release, which works with them: each migration sees to that.
            log.warning("tables are newer than this release, and stay as they are")
        else:
            config = alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()
    engine.dispose()
