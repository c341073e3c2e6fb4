"""The migrations make the tables that the code has, and can be taken back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from alembic import command
from sqlalchemy import inspect, text

from migrations.upgrade import alembic_config, is_newer, upgrade
from shared.database import connect
from shared.settings import Settings
from shared.tables import Base


def fresh(database_url: str, name: str) -> Settings:
    """Return settings of a new, empty database."""
    with connect(Settings(database_url=database_url)).connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    return Settings(database_url=database_url.rsplit("/", 1)[0] + f"/{name}")


def test_the_migrations_make_exactly_the_tables_of_the_code(database_url: str) -> None:
    """After an upgrade Alembic finds no difference to ``shared.tables``."""
    settings = fresh(database_url, "exact")
    upgrade(settings)

    config = alembic_config()
    with connect(settings).connect() as connection:
        config.attributes["connection"] = connection
        command.check(config)


def test_processes_that_migrate_at_once_do_not_collide(database_url: str) -> None:
    """Four upgrades of one database at the same time all end well."""
    settings = fresh(database_url, "crowded")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: upgrade(settings), range(4)))

    tables = set(inspect(connect(settings)).get_table_names())
    assert tables == set(Base.metadata.tables) | {"alembic_version"}


def test_the_migrations_can_be_taken_back(database_url: str) -> None:
    """Down to nothing and up again works."""
    settings = fresh(database_url, "back")
    upgrade(settings)

    config = alembic_config()
    with connect(settings).connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        connection.commit()
    assert inspect(connect(settings)).get_table_names() == ["alembic_version"]
    upgrade(settings)


def test_an_earlier_release_starts_on_newer_tables(database_url: str) -> None:
    """After a step back its migration changes nothing, and ends well."""
    settings = fresh(database_url, "newer")
    upgrade(settings)
    with connect(settings).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    upgrade(settings)

    with connect(settings).connect() as connection:
        assert is_newer(connection)
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
