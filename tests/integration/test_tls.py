"""Database and broker behind TLS: every way to them checks the certificate, and works where it is right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from client.ops.nodes import read_nodes
from shared.analyzers import announce, find_analyzers
from shared.broker_address import read_address
from shared.database import connect
from shared.queue import ingest_message, make_celery, ping, publish, queue_lengths
from shared.settings import Settings
from shared.tables import Priority
from tests.integration.conftest import Servers
from tests.tls import Authority, TlsFront

FIRST = "media.interactive.ingest"


@dataclass(frozen=True)
class Fronts:
    """The servers of this test run behind TLS, under their right name and under another's."""

    authority: Authority
    servers: Servers
    broker: TlsFront
    other_broker: TlsFront
    database: TlsFront
    other_database: TlsFront

    def broker_settings(self, front: TlsFront, ca_file: Path | None) -> Settings:
        """Return settings whose broker stands behind ``front``."""
        inside = read_address(self.servers.broker_url)
        url = f"rediss://:{inside.password}@127.0.0.1:{front.port}/0"
        return Settings.model_validate({"broker_url": url, "broker_ca_file": ca_file})

    def database_settings(self, front: TlsFront, **query: Any) -> Settings:
        """Return settings whose database stands behind ``front``."""
        url = make_url(self.servers.database_url).set(
            drivername="postgresql", host="127.0.0.1", port=front.port, query=query
        )
        return Settings(database_url=url.render_as_string(hide_password=False))


@pytest.fixture
def fronts(settings: Settings, servers: Servers, tmp_path: Path) -> Iterator[Fronts]:
    authority = Authority(tmp_path)
    [(_, broker_port)] = read_address(str(settings.broker_url)).nodes
    database_port = make_url(servers.database_url).port
    assert database_port is not None
    with ExitStack() as opened:
        made = [
            opened.enter_context(TlsFront(authority.context(name), port))
            for port in (broker_port, database_port)
            for name in ("127.0.0.1", "elsewhere.example")
        ]
        yield Fronts(authority, servers, *made)


def test_the_broker_over_tls(fronts: Fronts, settings: Settings) -> None:
    """Messages, lengths of queues, announcements and questions to workers all go through TLS."""
    over_tls = fronts.broker_settings(fronts.broker, fronts.authority.file)

    ping(over_tls)
    assert publish(ingest_message(make_celery(over_tls), uuid4(), Priority.INTERACTIVE))
    announce(over_tls, "media@here", {"openface": ["no licence"]})

    assert queue_lengths(over_tls)[FIRST] == queue_lengths(settings)[FIRST] == 1
    assert find_analyzers(over_tls)["openface"] == find_analyzers(settings)["openface"] == ("no licence",)
    assert read_nodes(over_tls, patience_s=0.1) == []
    assert fronts.broker.encrypted >= 3


def test_a_broker_whose_certificate_is_not_trusted(fronts: Fronts, settings: Settings) -> None:
    """Neither our own calls nor Celery speak to a server whose signer is not known, or that is another."""
    unknown = fronts.broker_settings(fronts.broker, None)
    another = fronts.broker_settings(fronts.other_broker, fronts.authority.file)

    for each in (unknown, another):
        with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
            ping(each)
        assert not publish(ingest_message(make_celery(each), uuid4(), Priority.INTERACTIVE))
    assert queue_lengths(settings)[FIRST] == 0


def test_the_database_over_tls(fronts: Fronts) -> None:
    """With ``sslmode=verify-full`` the certificate is checked: its signer, and the name."""
    trusted = {"sslmode": "verify-full", "sslrootcert": str(fronts.authority.file)}
    engine = connect(fronts.database_settings(fronts.database, **trusted))
    with engine.connect() as connection:
        connection.execute(text("SELECT 1 FROM jobs LIMIT 1"))
    engine.dispose()
    assert fronts.database.encrypted == 1

    for front, query in (
        (fronts.database, {"sslmode": "verify-full", "sslrootcert": "system"}),
        (fronts.other_database, trusted),
    ):
        engine = connect(fronts.database_settings(front, **query))
        with pytest.raises(OperationalError, match="certificate"):
            engine.connect()
        engine.dispose()
