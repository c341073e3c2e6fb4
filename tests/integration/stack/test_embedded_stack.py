from __future__ import annotations

import json
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from client.stack.process import Process
from client.stack.services import answers
from client.stack.stack import EmbeddedStack
from client.stack.supervisor import Patience
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings

from .support import family, is_dead, python, running, wait_until

ROOT = Path(__file__).parents[3]
# Stands for the service: its API is ready when both servers answer, and it tells its settings.
API = """
import json, os
from http.server import BaseHTTPRequestHandler, HTTPServer
import psycopg, redis
from shared.settings import Settings

settings = Settings()

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        with psycopg.connect(settings.database_url.replace("+psycopg", "")) as connection:
            connection.execute("SELECT 1")
        redis.Redis.from_url(settings.broker_url).ping()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(settings.model_dump_json().encode())

HTTPServer((settings.host, settings.port), Handler).serve_forever()
"""
HOST = """
import sys
from pathlib import Path
from client.stack.stack import EmbeddedStack
from shared.settings import Settings
from tests.integration.stack.test_embedded_stack import services_and_slow

try:
    settings = Settings(data_dir=Path(sys.argv[1]), port=0)
    with EmbeddedStack(settings, services=services_and_slow) as stack:
        print(stack.api_url, flush=True)
        stack.wait()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def services(env: Mapping[str, str], api_url: str, servers: Sequence[str]) -> list[Process]:
    """Return a small process table in place of the service's own."""
    return [
        Process(
            name="api",
            # The test's packages are found from where they lie, installed or not.
            argv=(sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{API}"),
            env=env,
            after=tuple(servers),
            is_ready=lambda: answers(api_url),
        )
    ]


# Takes its time to end in good order, and says so.
SLOW = """
import signal, sys, time
def end(*_):
    time.sleep(1)
    print("ended in good order", flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(600)
"""


def services_and_slow(env: Mapping[str, str], api_url: str, servers: Sequence[str]) -> list[Process]:
    """Return the same and a process that is slow to stop."""
    log = Path(env["AVEMOTION_DATA_DIR"]) / "log" / "slow.log"
    slow = python("slow", SLOW, is_ready=lambda: log.exists() and "ready" in log.read_text())
    return [*services(env, api_url, servers), slow]


@pytest.fixture
def data_dir(tmp_path: Path, copy_cluster: Callable[[Path], None]) -> Path:
    """Return a data folder of its own, its database cluster made already to save time."""
    copy_cluster(tmp_path / "data" / "postgres")
    return tmp_path / "data"


def make_stack(data_dir: Path, *, attach: bool = True, **chosen: Any) -> EmbeddedStack:
    settings = Settings(data_dir=data_dir, **{"port": 0, **chosen})
    return EmbeddedStack(settings, services=services, attach=attach, patience=Patience(ready_limit_s=15))


def connect(stack: EmbeddedStack) -> psycopg.Connection:
    assert stack.settings.database_url is not None
    return psycopg.connect(stack.settings.database_url.replace("+psycopg", ""))


def test_stack_runs_while_the_block_does(data_dir: Path) -> None:
    """In the block all answer and a private note says where; after it nothing is left, not even the note."""
    note = data_dir / "run" / "stack.json"
    with make_stack(data_dir) as stack:
        pids = stack.pids()
        members = family(list(pids.values()))
        assert set(pids) == {"postgres", "valkey", "api"}
        assert stat.S_IMODE(note.stat().st_mode) == 0o600
        told = json.loads(note.read_text())
        assert told["pids"] == pids
        assert told["api_url"] == stack.api_url
        stack.check()

    assert all(map(is_dead, members))
    assert not note.exists()


def test_processes_get_the_settings(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes see what the stack was given and what it chose, with absolute paths."""
    monkeypatch.chdir(data_dir.parent)
    with make_stack(Path(data_dir.name), lease_s=3) as stack:
        seen = httpx.get(stack.api_url, trust_env=False).json()

    assert seen["lease_s"] == 3
    assert seen["data_dir"] == str(data_dir)
    assert seen["storage_url"] == f"file://{data_dir}/storage"
    assert seen["database_url"] == stack.settings.database_url
    assert seen["port"] == stack.settings.port != 0


def test_second_start_has_the_data(data_dir: Path) -> None:
    """A stack on the same folder finds what the one before it kept."""
    with make_stack(data_dir) as stack, connect(stack) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    with make_stack(data_dir) as stack, connect(stack) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_two_stacks_side_by_side(data_dir: Path, tmp_path: Path) -> None:
    """Stacks on different folders share neither ports nor data, and the end of one leaves the other."""
    with make_stack(data_dir) as one:
        with make_stack(tmp_path / "other") as two:
            with connect(one) as connection:
                connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
            with connect(two) as connection, pytest.raises(psycopg.errors.UndefinedTable):
                connection.execute("SELECT number FROM kept")
            assert one.api_url != two.api_url
        assert answers(one.api_url)


def test_second_stack_attaches(data_dir: Path) -> None:
    """A second stack on a folder uses the first one, and leaves it running at its own end."""
    with make_stack(data_dir) as owner:
        with make_stack(data_dir) as guest:
            assert guest.attached
            assert guest.api_url == owner.api_url
            assert guest.pids() == owner.pids()
            assert guest.settings.database_url == owner.settings.database_url
        assert answers(owner.api_url)
        assert not owner.attached


def test_second_stack_that_may_not_attach_is_refused(data_dir: Path) -> None:
    """A second stack that must be its own is told where the first one is."""
    with make_stack(data_dir) as owner, pytest.raises(AvemotionError, match=owner.api_url) as caught:
        make_stack(data_dir, attach=False).__enter__()

    assert caught.value.code is ErrorCode.CONFLICT


def test_given_servers_are_used(data_dir: Path, tmp_path: Path) -> None:
    """With both addresses set no server is started, and the processes use those given."""
    with make_stack(data_dir) as one:
        given: dict[str, Any] = one.settings.model_dump(include={"database_url", "broker_url"})
        with make_stack(tmp_path / "other", **given) as two:
            assert set(two.pids()) == {"api"}
            seen = httpx.get(two.api_url, trust_env=False).json()
            assert {name: seen[name] for name in given} == given
        assert not (tmp_path / "other" / "postgres").exists()
        assert answers(one.api_url)


def test_taken_port_is_told(data_dir: Path) -> None:
    """A port on which somebody listens is an error that names it; nothing is left running."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(AvemotionError, match=f"Port {port} of 127.0.0.1 is taken"):
            make_stack(data_dir, port=port).__enter__()

    with make_stack(data_dir) as stack:
        assert not stack.attached


def test_servers_that_die_come_back_where_they_were(data_dir: Path) -> None:
    """After SIGKILL of each process the API is ready again at the same address, and the note is true."""
    with make_stack(data_dir) as stack:
        for name in ("valkey", "postgres", "api"):
            before = stack.pids()[name]
            os.kill(before, signal.SIGKILL)
            wait_until(lambda: stack.pids().get(name, before) != before)  # noqa: B023 - run at once
            wait_until(lambda: answers(stack.api_url))
        assert stack.settings.broker_url is not None
        assert redis.Redis.from_url(stack.settings.broker_url).ping()
        wait_until(lambda: json.loads((data_dir / "run/stack.json").read_text())["pids"] == stack.pids())


def test_killed_owner_leaves_nothing_and_the_folder_free(data_dir: Path) -> None:
    """When the stack's owner gets SIGKILL, all of it ends, and a new stack starts and has the data."""
    with running(HOST, str(data_dir)) as host:
        assert host.stdout is not None
        assert host.stdout.readline().startswith("http://")
        members = family([host.pid])
        assert len(members) > 8, "PostgreSQL alone has five"
        host.kill()

        with make_stack(data_dir) as stack:
            assert not stack.attached
            assert all(map(is_dead, members))
            assert answers(stack.api_url)


def test_terminate_ends_the_stack_in_good_order(data_dir: Path) -> None:
    """SIGTERM ends the block as Ctrl-C does: all end in good order, PostgreSQL last; the note is gone."""
    with running(HOST, str(data_dir)) as host:
        assert host.stdout is not None
        host.stdout.readline()
        members = family([host.pid])
        host.send_signal(signal.SIGTERM)
        assert host.stdout.readline() == "interrupted\n"
        assert all(map(is_dead, members - {host.pid}))
        assert host.wait(10) == 0

    assert "ended in good order" in (data_dir / "log" / "slow.log").read_text()
    assert not (data_dir / "run" / "stack.json").exists()
    assert "database system is shut down" in (data_dir / "log" / "postgres.log").read_text()


def test_unusable_data_folder_is_told(tmp_path: Path) -> None:
    """A data folder that cannot be made is an error that names it."""
    (tmp_path / "file").touch()

    with pytest.raises(AvemotionError, match="file/data could not be started") as caught:
        make_stack(tmp_path / "file" / "data").__enter__()
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
