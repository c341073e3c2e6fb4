"""The service under test, and how to tell that a process of it is back."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self
from uuid import uuid4

import httpx
import psycopg
import redis
from sqlalchemy import Engine

from bench.faults.clips import SEGMENT_S
from client.stack.addresses import free_port
from client.stack.process import Process
from client.stack.services import service_processes
from client.stack.stack import EmbeddedStack
from client.stack.supervisor import Patience
from shared.database import connect
from shared.settings import Settings
from shared.storage import Storage
from shared.storage_choice import storage_of

REPOSITORY = Path(__file__).parents[2]
MARK = "AVEMOTION_CHAOS_RUN"
ANSWER_LIMIT_S = 1.0
ENDED = re.compile(r"ended with exit status ")
READY = re.compile(rb"janitor ready|@\S+ ready")


class Service:
    """What ``avemotion serve`` runs, with a folder of temporary files of its own.

    Attributes:
        scratch: That folder; whatever is left in it, a killed process has left.
        mark: Stands in the environment of every process of the service.
        deaths: How often each process ended and was started again.
    """

    def __init__(self, folder: Path, **settings: object) -> None:
        """Prepare; the processes start when the ``with`` block is entered."""
        self.scratch = folder / "scratch"
        self.scratch.mkdir(parents=True)
        self.mark = str(uuid4())
        self.deaths: Counter[str] = Counter()
        self._deaths_guard = threading.Lock()
        given = {
            "data_dir": folder / "data",
            "database_url": None,
            "broker_url": None,
            "storage_url": None,
            "port": 0,
            "segment_s": SEGMENT_S,
            # The receiver of the run is on loopback.
            "webhook_allow_private": True,
            "metrics_port": free_port(),
        }
        self.stack = EmbeddedStack(
            Settings(**{**given, **settings}),  # type: ignore[arg-type] # checked by pydantic
            attach=False,
            say=self._hear,
            services=self._processes,
            # Killed more often than on any night.
            patience=Patience(most_quick_deaths=1000),
        )
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start everything and return when the API is ready."""
        with contextlib.ExitStack() as cleanup:
            cleanup.enter_context(_variable(MARK, self.mark))
            cleanup.enter_context(self.stack)
            self._engine = connect(self.settings, pool_size=1)
            cleanup.callback(self._engine.dispose)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything in good order."""
        self._cleanup.close()

    @property
    def settings(self) -> Settings:
        """Of every process."""
        return self.stack.settings

    @property
    def engine(self) -> Engine:
        """The database."""
        return self._engine

    @property
    def storage(self) -> Storage:
        """The files."""
        return storage_of(self.settings)

    @property
    def log_dir(self) -> Path:
        """Folder of one log file a process."""
        return self.stack.folder.log_dir

    def empty_broker(self) -> None:
        """Have Valkey forget all it holds; what it cannot hear now it still has later."""
        with contextlib.suppress(redis.RedisError), self._broker() as broker:
            broker.flushall()

    def is_back(self, name: str, log_offset: int) -> bool:
        """Tell whether a process does its work again.

        Args:
            name: Of the process.
            log_offset: Length of its log when it was killed.
        """
        match name:
            case "api":
                return _answers(f"{self.stack.api_url}/healthz")
            case "postgres":
                return _takes_queries(str(self.settings.database_url))
            case "valkey":
                with contextlib.suppress(redis.RedisError), self._broker() as broker:
                    return bool(broker.ping())
                return False
            case _:
                return READY.search(self._log_since(name, log_offset)) is not None

    def log_length(self, name: str) -> int:
        """Return how long a process's log is now."""
        path = self.log_dir / f"{name}.log"
        return path.stat().st_size if path.exists() else 0

    def _log_since(self, name: str, offset: int) -> bytes:
        with (self.log_dir / f"{name}.log").open("rb") as log:
            # A log that has become shorter was moved aside meanwhile.
            log.seek(offset if self.log_length(name) >= offset else 0)
            return log.read()

    def _broker(self) -> redis.Redis:
        return redis.Redis.from_url(
            str(self.settings.broker_url),
            socket_timeout=ANSWER_LIMIT_S,
            socket_connect_timeout=ANSWER_LIMIT_S,
        )

    def _processes(self, env: Mapping[str, str], api_url: str, servers: Sequence[str]) -> Sequence[Process]:
        ours = {"TMPDIR": str(self.scratch), "PYTHONPATH": str(REPOSITORY)}
        return service_processes({**env, **ours}, api_url, servers, express=True)

    def _hear(self, name: str, line: str) -> None:
        if ENDED.match(line):
            with self._deaths_guard:
                self.deaths[name] += 1


@contextlib.contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=ANSWER_LIMIT_S, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _takes_queries(url: str) -> bool:
    try:
        with psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=2) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True
