from __future__ import annotations

import contextlib
import os
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from client.stack.supervisor import Supervisor
from client.stack.valkey import CONFIG_NAME, EmbeddedValkey

from .support import wait_until

Serve = Callable[[Path], contextlib.AbstractContextManager[tuple[EmbeddedValkey, Supervisor]]]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Run a server on a folder for the length of a block."""

    @contextlib.contextmanager
    def serve_(folder: Path) -> Iterator[tuple[EmbeddedValkey, Supervisor]]:
        server = EmbeddedValkey(folder)
        supervisor = Supervisor([server.process()], tmp_path)
        supervisor.start()
        try:
            yield server, supervisor
        finally:
            supervisor.stop()

    return serve_


def test_password_is_asked_for(serve: Serve, tmp_path: Path) -> None:
    """The server takes its password and refuses another; nobody else can read it."""
    with serve(tmp_path / "valkey") as (server, supervisor):
        assert redis.Redis.from_url(server.url).ping()
        password = server.url.split("@")[0].rsplit(":", 1)[1]
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(server.url.replace(password, "wrong")).ping()
        command = Path(f"/proc/{supervisor.pids()['valkey']}/cmdline").read_text()
        assert password not in command

    assert stat.S_IMODE((tmp_path / "valkey" / CONFIG_NAME).stat().st_mode) == 0o600


def test_messages_are_never_evicted(serve: Serve, tmp_path: Path) -> None:
    """The server's policy is to refuse writes rather than to forget a message."""
    with serve(tmp_path / "valkey") as (server, _):
        policy = redis.Redis.from_url(server.url).config_get("maxmemory-policy")

    assert policy == {"maxmemory-policy": "noeviction"}


def test_killed_server_comes_back_with_its_data(serve: Serve, tmp_path: Path) -> None:
    """After SIGKILL the server answers again at the same address and has what was written."""
    with serve(tmp_path / "valkey") as (server, supervisor):
        client = redis.Redis.from_url(server.url)
        client.set("kept", 7)
        before = supervisor.pids()["valkey"]

        os.kill(before, signal.SIGKILL)
        wait_until(lambda: supervisor.pids().get("valkey", before) != before)
        wait_until(lambda: _answers(client))

        assert client.get("kept") == b"7"


def _answers(client: redis.Redis) -> bool:
    with contextlib.suppress(redis.RedisError):
        return bool(client.ping())
    return False


def test_second_start_finds_the_data(serve: Serve, tmp_path: Path) -> None:
    """A new server on the same folder has what the old one was given, under a new password."""
    with serve(tmp_path / "valkey") as (first, _):
        redis.Redis.from_url(first.url).set("kept", 7)
    with serve(tmp_path / "valkey") as (second, _):
        assert redis.Redis.from_url(second.url).get("kept") == b"7"

    assert first.url.split("@")[0] != second.url.split("@")[0]


def test_folder_with_an_odd_name_is_served(serve: Serve, tmp_path: Path) -> None:
    """Blanks, quotes and letters beyond ASCII in the path are no obstacle."""
    with serve(tmp_path / 'it\'s a "Büro"' / "valkey") as (server, _):
        assert redis.Redis.from_url(server.url).ping()
