"""PgBouncer in transaction mode before a test's PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url

from client.stack.addresses import free_port
from tests.servers import wait_until

# Debian's package puts it where only root looks.
PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
# Fewer than the processes of the smallest service hold between them.
POOL = 4
CONFIG = """\
[databases]
{name} = host={host} port={port} user={user} password={password} dbname={name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
admin_users = {user}
pool_mode = transaction
default_pool_size = {pool}
"""


@dataclass(frozen=True)
class Pooler:
    """A running pooler.

    Attributes:
        url: Its address, as an operator gives it to the service.
    """

    url: str

    def ask(self, command: str) -> list[dict[str, object]]:
        """Run a command of its console, such as ``SHOW CLIENTS``, and return the rows."""
        url = make_url(self.url).set(drivername="postgresql", database="pgbouncer")
        dsn = url.render_as_string(hide_password=False)
        # The console speaks the simple protocol alone.
        with psycopg.connect(dsn, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
            cursor = connection.execute(command)  # type: ignore[call-overload]  # our own words
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []


@contextlib.contextmanager
def running_pooler(database_url: str, log: Path) -> Iterator[Pooler]:
    """Run PgBouncer before a database."""
    assert PROGRAM is not None
    behind: URL = make_url(database_url)
    front = behind.set(port=free_port())
    # It steps down from root, and then has no way into the folders of tests.
    with tempfile.TemporaryDirectory(prefix="avemotion-pooler-") as folder:
        config = Path(folder) / "pgbouncer.ini"
        config.write_text(
            CONFIG.format(
                name=behind.database,
                host=behind.host,
                port=behind.port,
                user=behind.username,
                password=behind.password,
                listen=front.port,
                pool=POOL,
            )
        )
        step_down = []
        if os.getuid() == 0:
            step_down = ["-u", "nobody"]
            shutil.chown(folder, "nobody")
            shutil.chown(config, "nobody")
        with log.open("ab") as output:
            process = subprocess.Popen([PROGRAM, *step_down, str(config)], stdout=output, stderr=output)
        pooler = Pooler(front.render_as_string(hide_password=False))

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            with contextlib.suppress(psycopg.OperationalError):
                return bool(pooler.ask("SHOW VERSION"))
            return False

        try:
            wait_until(answers, 30)
            yield pooler
        finally:
            process.kill()
            process.wait()
