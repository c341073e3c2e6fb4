"""Real servers for integration tests: PostgreSQL at the newest migration, and Valkey."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Engine, text

from api import create_app
from api.services import EXTENSION, Services
from client.stack.postgres import EmbeddedPostgres
from client.stack.valkey import EmbeddedValkey
from migrations.upgrade import upgrade
from shared.database import connect
from shared.settings import Settings
from shared.storage import Storage
from shared.storage_choice import storage_of
from shared.tables import Base
from tests.servers import Server

EMPTY_ALL = f"TRUNCATE {', '.join(table.name for table in Base.metadata.sorted_tables)} CASCADE"


@dataclass(frozen=True)
class Servers:
    """The servers of this test run, and where they are."""

    postgres: Server
    valkey: Server
    database_url: str
    broker_url: str
    engine: Engine


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Start PostgreSQL and Valkey for the whole run, and apply every migration."""
    folder = tmp_path_factory.mktemp("servers")
    postgres, valkey = EmbeddedPostgres(folder / "postgres"), EmbeddedValkey(folder / "valkey")
    database = Server(postgres.process(), folder / "postgres.log")
    broker = Server(valkey.process(), folder / "valkey.log")
    try:
        database.start()
        broker.start()
        engine = connect(Settings(database_url=postgres.url), pool_size=1)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # Nobody needs the data of a test after a power cut.
            connection.execute(text("ALTER SYSTEM SET fsync = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        upgrade(Settings(database_url=postgres.url))
        yield Servers(database, broker, postgres.url, valkey.url, engine)
        engine.dispose()
    finally:
        database.kill()
        broker.kill()


@pytest.fixture
def settings(servers: Servers, tmp_path: Path) -> Settings:
    """Settings with an empty database, an empty broker and an empty storage."""
    with servers.engine.begin() as connection:
        connection.execute(text(EMPTY_ALL))
    with redis.Redis.from_url(servers.broker_url) as broker:
        broker.flushall()
    return Settings(
        database_url=servers.database_url,
        broker_url=servers.broker_url,
        data_dir=tmp_path / "data",
        scratch_dir=tmp_path,
    )


@pytest.fixture
def engine(servers: Servers, settings: Settings) -> Engine:  # noqa: ARG001 - settings empties the database
    """The database, for looking behind the API's back."""
    return servers.engine


@pytest.fixture
def storage(settings: Settings) -> Storage:
    """The storage of the settings."""
    return storage_of(settings)


@pytest.fixture
def app(settings: Settings) -> Iterator[OpenAPI]:
    """The API in this process."""
    made = create_app(settings)
    yield made
    services_of(made).close()


def services_of(app: OpenAPI) -> Services:
    """Return what the views of an application use."""
    kit: Services = app.extensions[EXTENSION]
    return kit
