"""The service behind PgBouncer in transaction mode: fewer connections than its processes hold."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from client.ops.doctor import look_at_database
from client.ops.service import Service as Opened
from client.stack.postgres import EmbeddedPostgres
from client.stack.process import Process
from client.stack.services import service_processes
from client.stack.stack import EmbeddedStack
from migrations.upgrade import upgrade
from shared.database import SERVER_SETTINGS, connect
from shared.errors import AvemotionError
from shared.settings import Settings
from tests import media_factory
from tests.pooler import POOL, PROGRAM, running_pooler
from tests.servers import Server, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="needs PgBouncer (Debian's package pgbouncer)"),
]
POLLERS = 6
BACKENDS = (
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


def test_migrations_refuse_a_pooler() -> None:
    """A lock that belongs to a session would lock nothing there."""
    with pytest.raises(AvemotionError, match="PostgreSQL's own address"):
        upgrade(Settings(database_url="postgresql://nobody@127.0.0.1:1/none", database_pooler=True))


def test_jobs_are_scored_through_a_pooler(tmp_path: Path) -> None:
    """Uploads, jobs, polls and the janitor work, on fewer connections than the processes hold."""
    clip = media_factory.audio(tmp_path / "voice.wav", wave=media_factory.voice(3))
    postgres = EmbeddedPostgres(tmp_path / "postgres")
    server = Server(postgres.process(), tmp_path / "postgres.log")
    try:
        server.start()
        with (
            psycopg.connect(own_address(postgres.url), autocommit=True) as admin,
            running_pooler(postgres.url, tmp_path / "pooler.log") as pooler,
        ):
            settings = Settings(
                data_dir=tmp_path / "data",
                database_url=pooler.url,
                database_pooler=True,
                port=0,
                api_processes=1,
                media_children=1,
            )
            assert_doctor_asks_for_settings(settings)
            for name, value in SERVER_SETTINGS.items():
                admin.execute(f"ALTER ROLE avemotion SET {name} = '{value}'")  # type: ignore[call-overload]  # ours
            pooler.ask("RECONNECT")
            assert "PostgreSQL" in look(settings)[0]

            def straight(env: Mapping[str, str], url: str, servers: Sequence[str]) -> list[Process]:
                own = {"AVEMOTION_DATABASE_URL": postgres.url, "AVEMOTION_DATABASE_POOLER": "no"}
                return [
                    replace(row, env={**row.env, **own}) if row.name == "migrations" else row
                    for row in service_processes(env, url, servers)
                ]

            with (
                EmbeddedStack(settings, services=straight) as stack,
                httpx.Client(base_url=stack.api_url, timeout=60, trust_env=False) as http,
            ):
                upload = http.post("/upload/audio", content=clip.read_bytes()).json()["id"]
                job = http.post("/predict", json={"audio_id": upload}).json()["job_id"]
                ended = poll_from_many(http, job)
                [[backends]] = admin.execute(BACKENDS).fetchall()
                clients = len(pooler.ask("SHOW CLIENTS"))
        assert [document["error"] for document in ended] == [None] * len(ended)
        assert backends <= POOL < clients
    finally:
        server.kill()


def poll_from_many(http: httpx.Client, job: str) -> list[dict[str, object]]:
    """Poll a job from many threads until it has ended, and return its last document as each saw it."""
    found: list[dict[str, object]] = []

    def poll() -> None:
        document: dict[str, object] = {}

        def is_over() -> bool:
            document.update(http.get(f"/jobs/{job}", params={"wait": 1}).raise_for_status().json())
            return document["status"] in {"succeeded", "failed", "cancelled"}

        wait_until(is_over)
        found.append(document)

    threads = [threading.Thread(target=poll) for _ in range(POLLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == POLLERS
    return found


def assert_doctor_asks_for_settings(settings: Settings) -> None:
    """The role brings nothing yet: the doctor says what it has to."""
    with pytest.raises(AvemotionError) as error:
        look(settings)
    for name in SERVER_SETTINGS:
        assert name in error.value.message or name == "timezone", error.value.message


def look(settings: Settings) -> tuple[str, ...]:
    """Return what the doctor says of the database."""
    engine = connect(settings, pool_size=1)
    try:
        return look_at_database(Opened(settings, engine))
    finally:
        engine.dispose()


def own_address(url: str) -> str:
    """Return an address for libpq."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
