"""A service on several hosts, which share PostgreSQL, Valkey and an object store, and nothing else."""

from __future__ import annotations

import contextlib
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import httpx
from sqlalchemy import make_url, text

from client.stack.postgres import EmbeddedPostgres
from client.stack.process import Process
from client.stack.services import ONE_THREAD, answers, service_environment
from client.stack.valkey import EmbeddedValkey
from migrations.upgrade import upgrade
from shared.settings import Settings
from tests.acceptance.service import HASTE, Service
from tests.network import Host, Network, allow
from tests.object_store import ObjectStore
from tests.servers import Server, wait_until

PORT = 8000
API = ("gunicorn", "-c", "python:api.gunicorn_config", "api:create_app()")


class Hosts(Service):
    """PostgreSQL, Valkey and an object store on this machine, and each process on a host of its own."""

    def __init__(self, folder: Path, network: Network, store: ObjectStore, **settings: Any) -> None:
        """Prepare; the servers, the API and the janitor start when the ``with`` block is entered."""
        self.folder = folder
        self.network = network
        self.hosts: dict[str, Host] = {}
        postgres, valkey = EmbeddedPostgres(folder / "postgres"), EmbeddedValkey(folder / "valkey")
        self.postgres = Server(self._opened(postgres.process()), folder / "postgres.log")
        process = valkey.process()
        bind = ("--bind", "127.0.0.1", network.address)
        self.valkey = Server(replace(process, argv=(*process.argv, *bind)), folder / "valkey.log")
        database = make_url(postgres.url).set(host=network.address)
        self.settings = Settings(
            **{
                **HASTE,
                "database_url": database.render_as_string(hide_password=False),
                "broker_url": valkey.url.replace("127.0.0.1", network.address),
                "host": "0.0.0.0",  # noqa: S104 - nobody is there but the test
                "port": PORT,
                "auth": "off",
                **store.settings(),
                **settings,
            }
        )
        self._processes: dict[str, Server] = {}
        self._cleanup = contextlib.ExitStack()

    def _opened(self, postgres: Process) -> Process:
        """Return the process of a server that also listens to the hosts."""
        cluster = Path(postgres.argv[postgres.argv.index("-D") + 1])

        def prepare() -> None:
            assert postgres.prepare is not None
            postgres.prepare()
            allow(cluster, self.network.range)

        listen = f"--listen_addresses=127.0.0.1,{self.network.address}"
        return replace(postgres, argv=(*postgres.argv, listen), prepare=prepare)

    def __enter__(self) -> Self:
        """Start what every service has, without workers."""
        with contextlib.ExitStack() as cleanup:
            for server in (self.postgres, self.valkey):
                cleanup.callback(server.kill)
                server.start()
            upgrade(self.settings)
            self.start("front", "-m", *API)
            self.start("keeper", "-m", "worker", "janitor")
            url = f"http://{self.hosts['front'].address}:{PORT}"
            wait_until(lambda: answers(url))
            self.http = cleanup.enter_context(httpx.Client(base_url=url, timeout=60, trust_env=False))
            self._cleanup = cleanup.pop_all()
        return self

    def start(self, name: str, *arguments: str) -> Host:
        """Add a host with folders of its own, and run Python there."""
        folder = self.folder / name
        (folder / "tmp").mkdir(parents=True)
        own = {"data_dir": folder / "data", "scratch_dir": folder / "tmp"}
        environment = service_environment(self.settings.model_copy(update=own))
        host = self.hosts[name] = self.network.add(name)
        process = Process(
            name=name,
            argv=host.command((sys.executable, *arguments)),
            env={**environment, **ONE_THREAD, "TMPDIR": str(folder / "tmp")},
            cwd=folder,
            is_ready=lambda: True,
        )
        server = self._processes[name] = Server(process, folder / "log")
        server.start()
        return host

    def stop(self, name: str) -> None:
        """Take a host away with what runs on it."""
        self._processes.pop(name).kill()

    def log(self, name: str) -> str:
        """Return what a host's process has said."""
        return (self.folder / name / "log").read_text()

    def connections(self, host: Host) -> int:
        """Return how many connections of a host the database believes in."""
        asked = text("SELECT count(*) FROM pg_stat_activity WHERE client_addr = CAST(:address AS inet)")
        with self.engine.connect() as connection:
            return int(connection.execute(asked, {"address": host.address}).scalar_one())

    @contextlib.contextmanager
    def cut_off(self, host: Host, seconds: float) -> Any:
        """Cut a host off for so long; in the block it is, and when it ends the host is back."""
        over = threading.Event()
        host.cut_off()
        timer = threading.Timer(seconds, over.set)
        timer.start()
        try:
            yield
            over.wait()
        finally:
            timer.cancel()
            host.bring_back()
