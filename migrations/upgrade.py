"""Bringing a database to the newest version, safely from several processes at once."""

from __future__ import annotations

from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from shared.database import connect, reason_of
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings

log = structlog.stdlib.get_logger(__name__)
# Any number that nobody else uses in this database.
ADVISORY_LOCK = 7_232_018


def alembic_config() -> Config:
    """Return Alembic's configuration: this folder, and no file to keep in step with it."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return config


def is_later(config: Config, connection: Connection) -> bool:
    """Tell whether a database is at a version that this release does not know.

    Versions are only ever added, so it is a later release's. This one can use its tables, after a step back
    or while the next release is being put in place.
    """
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    there = MigrationContext.configure(connection).get_current_heads()
    # Reading opened a transaction, and the migrations begin their own.
    connection.commit()
    return not known.issuperset(there)


def upgrade(settings: Settings) -> None:
    """Migrate to the newest version; a second caller waits and then finds nothing to do.

    Tables of a later release stay as they are.

    Raises:
        AvemotionError: No address is set, it is a pooler's, or no database answers there.
    """
    if settings.database_pooler:
        # The lock below is the session's, and so are its limits.
        raise AvemotionError(
            ErrorCode.INVALID_SETTINGS,
            "Migrations need PostgreSQL's own address: set AVEMOTION_DATABASE_URL to it, and "
            "AVEMOTION_DATABASE_POOLER=no, for this command.",
        )
    engine = connect(settings, pool_size=1)
    with _connection_to(engine) as connection:
        # A migration may take its time, and so may the wait for another's.
        connection.execute(text("SET statement_timeout = 0; SET lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()
        config = alembic_config()
        config.attributes["connection"] = connection
        if is_later(config, connection):
            log.warning("the tables are those of a later release; they are left as they are")
        else:
            command.upgrade(config, "head")
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()
    engine.dispose()


def _connection_to(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except OperationalError as error:
        message = f"The database does not answer: {reason_of(error)}."
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message) from error
