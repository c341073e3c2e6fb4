"""The whole service by other ways to its servers: TLS, and Sentinels whose primary dies."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import make_url

from client.stack.services import service_environment
from shared.broker_address import read_address
from tests import media_factory
from tests.acceptance.service import Service
from tests.sentinels import SentinelGroup
from tests.servers import wait_until
from tests.tls import Authority, TlsFront

pytestmark = pytest.mark.slow
# What these tests break has nothing to do with how long a stage takes.
PATIENCE = {"lease_s": 10.0, "stage_time_limit_s": 240.0}


def ops(service: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``avemotion ops`` as an operator of the service does."""
    return subprocess.run(
        [sys.executable, "-m", "client.main", "ops", *arguments],
        env=service_environment(service.settings),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of a voice: what is tried here is the way to the servers, and not faces."""
    return media_factory.audio(tmp_path_factory.mktemp("media") / "voice.wav", wave=media_factory.voice(4))


@pytest.fixture
def over_tls(tmp_path: Path) -> Iterator[Service]:
    """A service whose database and broker are reached over TLS only."""
    authority = Authority(tmp_path)
    service = Service(tmp_path / "service", **PATIENCE)
    inside = read_address(str(service.settings.broker_url))
    database = make_url(str(service.settings.database_url))
    assert database.port is not None
    with ExitStack() as opened:
        broker_front, database_front = (
            opened.enter_context(TlsFront(authority.context(), port))
            for port in (inside.nodes[0][1], database.port)
        )
        query = {"sslmode": "verify-full", "sslrootcert": str(authority.file)}
        service.settings = service.settings.model_copy(
            update={
                "broker_url": f"rediss://:{inside.password}@127.0.0.1:{broker_front.port}/0",
                "broker_ca_file": authority.file,
                "database_url": database.set(port=database_front.port, query=query).render_as_string(
                    hide_password=False
                ),
            }
        )
        yield opened.enter_context(service)


def test_tls(over_tls: Service, voice: Path) -> None:
    """A clip is scored, operators see and drain the workers, and what waits is counted, all over TLS."""
    over_tls.assert_scored_once(over_tls.score(voice, "audio"))

    ready = over_tls.http.get("/readyz").json()
    assert ready["status"] == "ready", ready
    wait_until(lambda: len(json.loads(ops(over_tls, "workers", "--json", "--timeout", "3").stdout)) == 2)
    assert ops(over_tls, "drain", "media", "--timeout", "3").returncode == 0
    held = over_tls.submit(voice, "audio")
    counted = 'avemotion_queue_messages{queue="media.interactive.ingest"} 1.0'
    wait_until(lambda: counted in over_tls.http.get("/metrics").text)
    assert lengths(over_tls)["media.interactive.ingest"] == 1
    assert ops(over_tls, "drain", "media", "--off", "--timeout", "3").returncode == 0
    over_tls.assert_scored_once(over_tls.end_of(held))
    assert ops(over_tls, "doctor").stdout.count("FAIL") == 0


def lengths(service: Service) -> dict[str, int]:
    """Return how many messages wait in each queue, as operators are told."""
    return {row["name"]: row["messages"] for row in json.loads(ops(service, "queues", "--json").stdout)}


def test_sentinels(tmp_path: Path, voice: Path) -> None:
    """With the primary killed under load, jobs from before and after are scored once; workers live on."""
    with (
        SentinelGroup(tmp_path / "group") as group,
        Service(tmp_path / "service", **group.settings(), **PATIENCE) as service,
    ):
        upload = service.upload(voice, "audio")
        jobs = [service.predict(audio_id=upload) for _ in range(3)]
        workers = {name: service.pid(name) for name in ("media", "inference", "janitor", "api")}

        group.primary().kill()
        jobs += [service.predict(audio_id=upload) for _ in range(3)]

        for job in jobs:
            service.assert_scored_once(service.end_of(job))
        assert service.http.get("/readyz").json()["status"] == "ready"
        wait_until(lambda: len(json.loads(ops(service, "workers", "--json", "--timeout", "3").stdout)) == 2)
        assert workers == {name: service.pid(name) for name in workers}
