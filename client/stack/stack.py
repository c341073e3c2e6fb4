"""The embedded stack as one context manager, for ``avemotion serve`` and ``avemotion run``."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

from client.stack.addresses import LOOPBACK, free_port, is_free
from client.stack.folder import DataFolder, StackNote
from client.stack.postgres import EmbeddedPostgres
from client.stack.process import Process
from client.stack.services import answers, service_environment, service_processes
from client.stack.supervisor import Patience, Say, Supervisor
from client.stack.valkey import EmbeddedValkey
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings

ATTACH_LIMIT_S = 90.0
ATTACH_POLL_S = 0.1
WILDCARDS = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - compared with, not bound

Services = Callable[[Mapping[str, str], str, Sequence[str]], Sequence[Process]]


class EmbeddedStack:
    """PostgreSQL, Valkey and the service's processes while the ``with`` block runs.

    A server whose address is set is not started; the service then uses that one. If a stack already runs
    on the data folder, its API is used and nothing is started. While it is entered in the main thread,
    SIGTERM and SIGHUP act as Ctrl-C does, so that the block ends by way of ``__exit__``.

    Attributes:
        settings: As given; once entered, complete with the servers' addresses and the API's port.
        api_url: Address of the API once entered, without a slash at the end.
        attached: Whether the stack belongs to another process.
        folder: The data folder.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        attach: bool = True,
        say: Say | None = None,
        services: Services = service_processes,
        patience: Patience | None = None,
    ) -> None:
        """Prepare; the stack starts when the ``with`` block is entered.

        Args:
            settings: What to run; port 0 picks a free one.
            attach: Use a stack that already runs on the data folder instead of failing.
            say: Called with a process's name and a line, for its output and its restarts.
            services: Returns the service's own processes.
            patience: When to restart and when to give up.
        """
        self.settings = settings
        self.api_url = ""
        self.attached = False
        self.folder = DataFolder(settings.data_dir)
        self._attach = attach
        self._say = say
        self._services = services
        self._patience = patience
        self._supervisor: Supervisor | None = None
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start or find the stack and return when its API is ready.

        Raises:
            AvemotionError: It could not be started; nothing is left running.
        """
        with contextlib.ExitStack() as cleanup:
            cleanup.enter_context(_signals_as_interrupt())
            try:
                self._enter(cleanup)
            except OSError as error:
                message = f"The stack in {self.folder.path} could not be started: {error}"
                raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message) from error
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what was started, within 10 s; a second Ctrl-C cuts that short."""
        self._cleanup.close()

    def check(self) -> None:
        """Raise the error that ended the stack, if one did.

        Raises:
            AvemotionError: A process died again and again.
        """
        if self._supervisor is not None:
            self._supervisor.check()

    def wait(self) -> None:
        """Wait for Ctrl-C or the error that ``check`` raises; return at once if the stack is not ours."""
        if self._supervisor is not None:
            self._supervisor.wait()

    def pids(self) -> dict[str, int]:
        """Return the ids of the stack's processes by name."""
        if self._supervisor is not None:
            return self._supervisor.pids()
        note = self.folder.read_note()
        return {} if note is None else dict(note.pids)

    def _enter(self, cleanup: contextlib.ExitStack) -> None:
        self.folder.make()
        if self._take_folder():
            cleanup.callback(self.folder.unlock)
            self._start(cleanup)
        else:
            self.attached = True

    def _take_folder(self) -> bool:
        """Return True with the folder locked, or False with a running stack's addresses taken over."""
        deadline = time.monotonic() + ATTACH_LIMIT_S
        while not self.folder.try_lock():
            note = self.folder.read_note()
            if note is not None and not self._attach:
                message = f"A stack already runs on {self.folder.path}, at {note.api_url}."
                raise AvemotionError(ErrorCode.CONFLICT, message)
            if note is not None and answers(note.api_url):
                self._complete(note.api_url, note.database_url, note.broker_url, self.settings.port)
                return False
            # It is just starting or just ending.
            if time.monotonic() > deadline:
                message = f"Another process holds {self.folder.path}, but its API does not answer."
                raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message)
            time.sleep(ATTACH_POLL_S)
        return True

    def _start(self, cleanup: contextlib.ExitStack) -> None:
        self.folder.clear_note()
        cleanup.callback(self.folder.clear_note)
        settings = self.settings
        host, port = settings.host, settings.port or free_port()
        if not is_free(host, port):
            message = f"Port {port} of {host} is taken or not ours; choose another (--port, AVEMOTION_PORT)."
            raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message)
        servers: list[Process] = []
        database_url, broker_url = settings.database_url, settings.broker_url
        if broker_url is None:
            valkey = EmbeddedValkey(self.folder.path / "valkey")
            broker_url = valkey.url
            servers.append(valkey.process())
        if database_url is None:
            postgres = EmbeddedPostgres(self.folder.path / "postgres")
            database_url = postgres.url
            servers.append(postgres.process())
        self._complete(_url(host, port), database_url, broker_url, port)
        secret = settings.webhook_secret or self.folder.keep_webhook_secret()
        self.settings = self.settings.model_copy(update={"webhook_secret": secret})
        env = service_environment(self.settings)
        services = self._services(env, self.api_url, [server.name for server in servers])
        self._supervisor = Supervisor(
            [*servers, *services],
            self.folder.log_dir,
            lock_fd=self.folder.lock_fd,
            say=self._say,
            on_change=self._note_change,
            patience=self._patience,
        )
        cleanup.callback(self._supervisor.stop)
        self._supervisor.start()

    def _complete(self, api_url: str, database_url: str, broker_url: str, port: int) -> None:
        """Fill in what was not known before the stack was there."""
        self.api_url = api_url
        self.settings = self.settings.model_copy(
            update={
                "data_dir": self.folder.path,
                "database_url": database_url,
                "broker_url": broker_url,
                "port": port,
            }
        )

    def _note_change(self, pids: dict[str, int]) -> None:
        self.folder.write_note(
            StackNote(
                api_url=self.api_url,
                database_url=self.settings.database_url or "",
                broker_url=self.settings.broker_url or "",
                pid=os.getpid(),
                pids=pids,
            )
        )


def _url(host: str, port: int) -> str:
    """Return the address at which this machine reaches a server that listens on ``host``."""
    near = WILDCARDS.get(host, host)
    return f"http://[{near}]:{port}" if ":" in near else f"http://{near}:{port}"


@contextlib.contextmanager
def _signals_as_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt in the main thread, unless they are ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
