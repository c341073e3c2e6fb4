"""A real PostgreSQL for Alembic, with an empty database for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from alembic.config import Config
from sqlalchemy import Engine, text

from migrations.upgrade import alembic_config as our_config
from shared.database import connect
from shared.settings import Settings
from tests.integration.conftest import Servers

NewDatabase = Callable[[str], Settings]


@pytest.fixture
def new_database(servers: Servers) -> NewDatabase:
    """Make an empty database on the server of this run, and return its settings."""

    def make(name: str) -> Settings:
        with servers.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {name}"))
        return Settings(database_url=servers.database_url.rsplit("/", 1)[0] + f"/{name}")

    return make


@pytest.fixture
def alembic_config() -> Config:
    """The configuration that ``python -m migrations`` uses, for pytest-alembic."""
    return our_config()


@pytest.fixture
def alembic_engine(new_database: NewDatabase) -> Iterator[Engine]:
    """An empty database, for pytest-alembic."""
    engine = connect(new_database("history"))
    yield engine
    engine.dispose()
