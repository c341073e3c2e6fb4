from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

import api.publishing
from api import create_app
from shared.queue import queue_lengths
from shared.settings import Settings
from shared.tables import Stage, WorkStatus
from tests.integration.api.conftest import client_of, video
from tests.integration.conftest import Servers, services_of
from tests.servers import wait_until

# Far more than a POST may take, and far less than it would take to try in vain one by one.
LIMIT_S = 15


def published(engine: Engine) -> list[bool]:
    with Session(engine) as session:
        return [stage.published_at is not None for stage in session.scalars(select(Stage))]


def post_many(app: OpenAPI, count: int = 8) -> list[int]:
    """Start jobs at the same moment, and return the statuses."""
    video_id = client_of(app).post("/upload/video", data=video()).json["id"]
    statuses: list[int] = []

    def post() -> None:
        statuses.append(client_of(app).post("/predict", json={"video_id": video_id}).status_code)

    threads = [threading.Thread(target=post) for _ in range(count)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started < LIMIT_S
    return statuses


@pytest.fixture
def with_broker(settings: Settings) -> Iterator[Callable[[str], OpenAPI]]:
    """Make an application with another broker address."""
    made: list[OpenAPI] = []

    def make(url: str) -> OpenAPI:
        made.append(create_app(settings.model_copy(update={"broker_url": url})))
        return made[-1]

    yield make
    for app in made:
        services_of(app).close()


def test_nothing_listens(with_broker: Callable[[str], OpenAPI], engine: Engine) -> None:
    """With no broker at all jobs are taken, and the janitor finds that none was published."""
    assert post_many(with_broker("redis://127.0.0.1:1/0")) == [202] * 8
    assert published(engine) == [False] * 8
    with Session(engine) as session:
        assert set(session.scalars(select(Stage.status))) == {WorkStatus.READY}


def test_broker_is_left_alone_for_a_while(
    with_broker: Callable[[str], OpenAPI], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failure the next jobs are left to the janitor without trying the broker again."""
    tries: list[object] = []

    def refuse(message: object) -> bool:
        tries.append(message)
        return False

    monkeypatch.setattr(api.publishing, "publish", refuse)
    app = with_broker("redis://127.0.0.1:1/0")
    for _ in range(3):
        assert post_many(app, 1) == [202]
    assert len(tries) == 1
    monkeypatch.setattr(time, "monotonic", lambda: 1e12)
    assert post_many(app, 1) == [202]
    assert len(tries) == 1 + 1


def test_broker_hangs(app: OpenAPI, servers: Servers, engine: Engine, settings: Settings) -> None:
    """With a broker that no longer answers jobs are taken, and again published once it does."""
    assert post_many(app, 1) == [202]
    servers.valkey.freeze()
    try:
        assert post_many(app) == [202] * 8
    finally:
        servers.valkey.thaw()
    assert sorted(published(engine)) == [False] * 8 + [True]
    wait_until(lambda: post_many(app, 1) == [202] and queue_lengths(settings)["media.interactive.ingest"] > 1)


def test_broker_restarts(app: OpenAPI, servers: Servers, engine: Engine) -> None:
    """A broker that was away for a moment is used again, on new connections."""
    assert post_many(app, 4) == [202] * 4
    servers.valkey.kill()
    try:
        assert post_many(app, 2) == [202] * 2
    finally:
        servers.valkey.start()
    assert sorted(published(engine)) == [False] * 2 + [True] * 4
    wait_until(lambda: post_many(app, 1) == [202] and published(engine).count(True) > 4)
