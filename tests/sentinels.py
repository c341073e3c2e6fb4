"""A primary and a replica of Valkey, and Sentinels that make the replica primary when the primary is gone."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from client.stack.addresses import free_port
from client.stack.process import Process, server_environment
from client.stack.valkey import find_binary
from tests.servers import Server, wait_until

NAME = "clips"
PASSWORD = "of-the-servers"
SENTINEL_PASSWORD = "of-the-sentinels"
SENTINELS = 3
HOST = "127.0.0.1"
SERVER = """\
bind {host}
port {port}
dir ./
requirepass {password}
masterauth {password}
appendonly yes
save ""
maxmemory-policy noeviction
repl-diskless-sync-delay 0
replica-announce-port {known}
{role}"""
# A second of silence, and the others are asked.
SENTINEL = """\
bind {host}
port {port}
dir ./
requirepass {sentinel_password}
sentinel sentinel-pass {sentinel_password}
sentinel monitor {name} {host} {primary} 2
sentinel auth-pass {name} {password}
sentinel down-after-milliseconds {name} 1000
sentinel failover-timeout {name} 3000
"""


class Node(Server):
    """A Valkey or a Sentinel on a port of its own."""

    def __init__(self, folder: Path, port: int, config: str, *options: str, password: str) -> None:
        """Write its configuration; ``start`` does the rest."""
        folder.mkdir()
        (folder / "valkey.conf").write_text(config)
        self.port = port
        self.client = redis.Redis(HOST, port, password=password, decode_responses=True, socket_timeout=1)
        process = Process(
            name="valkey",
            argv=(str(find_binary()), "valkey.conf", *options),
            env=server_environment(),
            cwd=folder,
            is_ready=self._answers,
            death_signal=signal.SIGKILL,
        )
        super().__init__(process, folder.with_suffix(".log"))

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False


class SentinelGroup:
    """Two servers and three Sentinels; entered, they know each other."""

    def __init__(self, folder: Path, name_ports: Callable[[int], int] | None = None) -> None:
        """Write every configuration.

        Args:
            folder: Where they live.
            name_ports: Returns the port under which a server or Sentinel is known, where that is not its own.
        """
        self._opened = ExitStack()
        folder.mkdir(exist_ok=True)
        name = name_ports or (lambda port: port)
        ports = [free_port() for _ in range(2 + SENTINELS)]
        self._known = {port: name(port) for port in ports}
        of_servers: dict[str, Any] = {"host": HOST, "password": PASSWORD}
        primary = self._known[ports[0]]
        roles = ("", f"replicaof {HOST} {primary}\n")
        self.servers = [
            Node(
                folder / f"server-{port}",
                port,
                SERVER.format(port=port, role=role, known=self._known[port], **of_servers),
                password=PASSWORD,
            )
            for port, role in zip(ports[:2], roles, strict=True)
        ]
        self.sentinels = [
            Node(
                folder / f"sentinel-{port}",
                port,
                SENTINEL.format(
                    port=port, name=NAME, primary=primary, sentinel_password=SENTINEL_PASSWORD, **of_servers
                ),
                "--sentinel",
                password=SENTINEL_PASSWORD,
            )
            for port in ports[2:]
        ]

    def __enter__(self) -> Self:
        """Start all of them and return when a failover could succeed."""
        with ExitStack() as opened:
            for node in (*self.servers, *self.sentinels):
                opened.callback(node.client.close)
                opened.callback(node.kill)
                node.start()
            wait_until(lambda: all(self._knows_the_rest(each) for each in self.sentinels), 60)
            wait_until(lambda: self.servers[1].client.info("replication")["master_link_status"] == "up", 60)
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill all of them."""
        self._opened.close()

    def _knows_the_rest(self, sentinel: Node) -> bool:
        state = sentinel.client.sentinel_master(NAME)
        return (state["num-slaves"], state["num-other-sentinels"]) == (1, SENTINELS - 1)

    def primary(self) -> Node:
        """Return the server that most Sentinels take for the primary."""
        told = [int(each.client.sentinel_get_master_addr_by_name(NAME)[1]) for each in self.sentinels]
        port = max(told, key=told.count)
        return next(each for each in self.servers if self._known[each.port] == port)

    def settings(self, scheme: str = "sentinel") -> dict[str, Any]:
        """Return the settings of a service whose broker this is."""
        urls = (f"{scheme}://:{PASSWORD}@{HOST}:{self._known[each.port]}/0" for each in self.sentinels)
        return {
            "broker_url": ";".join(urls),
            "broker_primary": NAME,
            "broker_sentinel_password": SENTINEL_PASSWORD,
        }
