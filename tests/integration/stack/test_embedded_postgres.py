from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from client.stack.leftovers import find_processes
from client.stack.postgres import EmbeddedPostgres
from client.stack.process import launch_argv
from client.stack.supervisor import Supervisor
from shared.errors import AvemotionError

from .support import is_dead, running, wait_until

# Starts a server below argv[1], writes a row, tells where things are, waits for its own end.
WRITER = """
import json, os, sys
from pathlib import Path
import psycopg
from client.stack import postgres_user
from client.stack.postgres import EmbeddedPostgres
from client.stack.supervisor import Supervisor

home = Path(sys.argv[1])
postgres_user.SET_ASIDE = Path(sys.argv[2])
home.mkdir(exist_ok=True)
server = EmbeddedPostgres(home / "postgres")
supervisor = Supervisor([server.process()], home)
supervisor.start()
with psycopg.connect(server.url.replace("+psycopg", "")) as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS kept (number integer)")
    connection.execute("INSERT INTO kept VALUES (7)")
    rows = connection.execute("SELECT count(*) FROM kept").fetchone()[0]
print(json.dumps({"uid": os.geteuid(), "pid": supervisor.pids()["postgres"], "rows": rows}), flush=True)
sys.stdin.readline()
supervisor.stop()
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

Serve = Callable[[Path], contextlib.AbstractContextManager[tuple[EmbeddedPostgres, Supervisor]]]


@pytest.fixture
def serve(tmp_path: Path, copy_cluster: Callable[[Path], None]) -> Serve:
    """Run a server on a folder for the length of a block."""

    @contextlib.contextmanager
    def serve_(folder: Path) -> Iterator[tuple[EmbeddedPostgres, Supervisor]]:
        if not folder.exists():
            copy_cluster(folder)
        server = EmbeddedPostgres(folder)
        supervisor = Supervisor([server.process()], tmp_path)
        supervisor.start()
        try:
            yield server, supervisor
        finally:
            supervisor.stop()

    return serve_


def connect(server: EmbeddedPostgres) -> psycopg.Connection:
    return psycopg.connect(server.url.replace("+psycopg", ""), connect_timeout=2)


def read_mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_password_is_asked_for(serve: Serve, tmp_path: Path) -> None:
    """The server takes its password and refuses another; only the owner can read it on disk."""
    with serve(tmp_path / "postgres") as (server, _):
        with connect(server) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        wrong = psycopg.conninfo.make_conninfo(server.url.replace("+psycopg", ""), password="wrong")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)

    assert read_mode(tmp_path / "postgres" / "password") == 0o600


def test_private_folders_stay_private(serve: Serve, tmp_path: Path) -> None:
    """No folder above the data gets another mode, no user is made, and the data lie where they should."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    users = Path("/etc/passwd").read_bytes()
    above = {folder: folder.stat() for folder in (private, *private.parents)}
    (private / "data" / "postgres").mkdir(parents=True)
    with serve(private / "data" / "postgres") as (server, _), connect(server):
        pass

    for folder, before in above.items():
        after = folder.stat()
        assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert Path("/etc/passwd").read_bytes() == users
    cluster = private / "data" / "postgres" / "cluster"
    assert not cluster.is_symlink()
    assert cluster.stat().st_uid == os.geteuid()


def test_killed_server_comes_back_with_its_data(serve: Serve, tmp_path: Path) -> None:
    """After SIGKILL the server answers again at the same address, and what was committed is there."""
    with serve(tmp_path / "postgres") as (server, supervisor):
        with connect(server) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        before = supervisor.pids()["postgres"]

        os.kill(before, signal.SIGKILL)
        wait_until(lambda: supervisor.pids().get("postgres", before) != before)
        wait_until(lambda: _answers(server))

        with connect(server) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def _answers(server: EmbeddedPostgres) -> bool:
    with contextlib.suppress(psycopg.OperationalError), connect(server):
        return True
    return False


def test_second_start_finds_the_data(serve: Serve, tmp_path: Path) -> None:
    """A new server on the same folder has what the old one committed."""
    with serve(tmp_path / "postgres") as (server, _), connect(server) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    with serve(tmp_path / "postgres") as (server, _), connect(server) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_stale_pid_file_does_not_block_a_start(serve: Serve, tmp_path: Path) -> None:
    """A postmaster.pid whose number belongs to another living process by now is no obstacle."""
    with serve(tmp_path / "postgres"):
        stale = (tmp_path / "postgres" / "cluster" / "postmaster.pid").read_text().splitlines()
    # PostgreSQL forgives its own parent and a missing process; this test's process is neither.
    stale[0] = str(os.getppid())
    (tmp_path / "postgres" / "cluster" / "postmaster.pid").write_text("\n".join(stale) + "\n")

    with serve(tmp_path / "postgres") as (server, _):
        assert _answers(server)


def test_server_left_running_is_ended_first(serve: Serve, tmp_path: Path) -> None:
    """A server that still runs on the folder is ended, and its data served by the new one."""
    with serve(tmp_path / "postgres"):
        pass
    row = EmbeddedPostgres(tmp_path / "postgres").process()
    left = subprocess.Popen(launch_argv(row.argv, user=row.user), env=dict(row.env), stderr=subprocess.PIPE)
    cluster = tmp_path / "postgres" / "cluster"
    wait_until(lambda: len(find_processes("postgres", cluster)) > 1)

    with serve(tmp_path / "postgres") as (server, _):
        assert left.wait(5) == 0
        assert _answers(server)
    left.communicate()


def test_half_made_cluster_is_made_anew(serve: Serve, tmp_path: Path) -> None:
    """What an initdb that was killed left behind does not get in the way of the next one."""
    draft = tmp_path / "postgres" / "cluster.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")

    with serve(tmp_path / "postgres") as (server, _):
        assert _answers(server)
    assert not list((tmp_path / "postgres").glob("initdb*"))


def test_missing_password_is_told(serve: Serve, tmp_path: Path) -> None:
    """A cluster without its password is an error that names the file, and is left alone."""
    with serve(tmp_path / "postgres"):
        pass
    (tmp_path / "postgres" / "password").unlink()

    with pytest.raises(AvemotionError, match="password is missing"):
        EmbeddedPostgres(tmp_path / "postgres")
    assert (tmp_path / "postgres" / "cluster" / "PG_VERSION").exists()


def test_folder_with_an_odd_name_is_served(serve: Serve, tmp_path: Path) -> None:
    """Blanks, quotes and letters beyond ASCII in the path are no obstacle."""
    with serve(tmp_path / 'it\'s a "Büro"' / "postgres") as (server, _):
        assert _answers(server)


@needs_root
def test_ordinary_user_can_run_it(tmp_path: Path) -> None:
    """A user who is not root runs the server as themself."""
    ordinary = launch_argv((sys.executable,), user=("--map-to", "65534:65534"))[:-1]
    with running(WRITER, str(tmp_path / "data"), "unused", prefix=ordinary) as writer:
        assert writer.stdout is not None
        told = json.loads(writer.stdout.readline())
        assert told["uid"] == 65534
        # Its files are this test's: what looks like another user is, from outside, the same.
        assert Path(f"/proc/{told['pid']}").stat().st_uid == os.geteuid()
        assert (tmp_path / "data" / "postgres" / "cluster").stat().st_uid == os.geteuid()


@needs_root
def test_root_without_namespaces_sets_the_data_aside() -> None:
    """Where no namespace can be made, root's server runs as nobody, on data that were set aside."""
    # The user nobody must be able to enter it; pytest's own folders are private.
    open_folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    open_folder.chmod(0o755)
    private = open_folder / "private"
    private.mkdir(mode=0o700)
    limited = (sys.executable, "-m", "tests.integration.stack.no_namespaces")
    try:
        for start in (1, 2):
            with running(WRITER, str(private / "data"), str(open_folder / "aside"), prefix=limited) as writer:
                assert writer.stdout is not None
                told = json.loads(writer.stdout.readline())
                assert told["rows"] == start
                assert Path(f"/proc/{told['pid']}").stat().st_uid != 0
            wait_until(partial(is_dead, told["pid"]))

        cluster = private / "data" / "postgres" / "cluster"
        assert cluster.resolve().is_relative_to(open_folder / "aside")
        assert read_mode(cluster) == 0o700
        assert read_mode(private) == 0o700
    finally:
        shutil.rmtree(open_folder)
