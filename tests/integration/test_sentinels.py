"""A broker behind Sentinels: whoever uses it finds the new primary when the old one is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
import redis

from shared.broker_access import access_of
from shared.queue import ingest_message, make_celery, ping, publish, queue_lengths
from shared.settings import Settings
from shared.tables import Priority
from tests.sentinels import SentinelGroup
from tests.servers import wait_until
from tests.tls import Authority, TlsFront

pytestmark = pytest.mark.slow

FIRST = "media.interactive.ingest"


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentinelGroup]:
    with SentinelGroup(tmp_path_factory.mktemp("sentinels") / "group") as group:
        yield group


def answers(settings: Settings) -> bool:
    """Whether the broker can be reached."""
    try:
        ping(settings)
    except redis.RedisError:
        return False
    return True


def test_a_wrong_name_of_the_primary(group: SentinelGroup) -> None:
    """An error says that the Sentinels do not know the name, or do not take the password."""
    given = group.settings()
    with pytest.raises(redis.ConnectionError, match="No master found for 'other'"):
        ping(Settings(**{**given, "broker_primary": "other"}))
    with pytest.raises(redis.ConnectionError, match="AuthenticationError"):
        ping(Settings.model_validate({**given, "broker_sentinel_password": None}))
    assert "of-the-sentinels" not in repr(access_of(Settings(**given)))


def test_a_failover(group: SentinelGroup) -> None:
    """With the primary dead, and a Sentinel too, clients that were connected go on with the replica."""
    settings = Settings(**group.settings())
    app = make_celery(settings)
    wait_until(lambda: publish(ingest_message(app, uuid4(), Priority.INTERACTIVE)))
    old = group.primary()
    [new] = [each for each in group.servers if each is not old]
    wait_until(lambda: new.client.llen(FIRST) == 1)

    group.sentinels[0].kill()
    old.kill()
    wait_until(lambda: answers(settings))

    assert queue_lengths(settings)[FIRST] == 1
    wait_until(lambda: publish(ingest_message(app, uuid4(), Priority.INTERACTIVE)))
    assert new.client.llen(FIRST) == queue_lengths(settings)[FIRST] == 2
    app.close()


def test_sentinels_over_tls(tmp_path: Path) -> None:
    """With ``sentinels://`` Sentinels and servers are spoken to over TLS only, their certificates checked."""
    authority = Authority(tmp_path)
    with ExitStack() as opened:
        fronts: dict[int, TlsFront] = {}

        def front(port: int) -> int:
            if port not in fronts:
                # Sentinels and servers speak plainly among each other: the wheel's have no TLS.
                fronts[port] = opened.enter_context(TlsFront(authority.context(), port, plain=True))
            return fronts[port].port

        group = opened.enter_context(SentinelGroup(tmp_path / "group", front))
        given = group.settings("sentinels")
        settings = Settings.model_validate({**given, "broker_ca_file": authority.file})

        assert publish(ingest_message(make_celery(settings), uuid4(), Priority.INTERACTIVE))
        assert queue_lengths(settings)[FIRST] == 1

        # Celery's connection and ours, and from each a Sentinel was asked.
        assert fronts[group.primary().port].encrypted >= 2
        assert sum(fronts[each.port].encrypted for each in group.sentinels) >= 2
        with pytest.raises(redis.ConnectionError):
            ping(Settings.model_validate(given))
