"""Hosts of their own on this machine: network namespaces on one bridge, each of which can be cut off."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

# Set aside for tests of networks; somebody may have a bridge there all the same, hence the third number.
NET = f"198.18.{os.getpid() % 250}"
BRIDGE_MAC = "02:00:00:00:00:01"
NEW_NAME = "import os, socket, sys; socket.sethostname(sys.argv[1]); os.execv(sys.argv[2], sys.argv[2:])"


def ip(*arguments: str) -> str:
    """Run iproute2's ``ip``; return what it says."""
    done = subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
    return done.stdout


class Host:
    """A network of its own with one address, and a host's name of its own."""

    def __init__(self, name: str, number: int, bridge: str) -> None:
        """Make it and plug it in."""
        self.name = name
        self.address = f"{NET}.{number}"
        self._bridge = bridge
        self._space = f"{bridge}-{number}"
        self._plug = f"{bridge}p{number}"
        ip("netns", "add", self._space)
        try:
            self._plug_in()
        except BaseException:
            self.remove()
            raise

    def _plug_in(self) -> None:
        inside = ("-n", self._space)
        ip("link", "add", self._plug, "type", "veth", "peer", "name", "eth0", "netns", self._space)
        ip(*inside, "address", "add", f"{self.address}/24", "dev", "eth0")
        for name in ("lo", "eth0"):
            ip(*inside, "link", "set", name, "up")
        ip("link", "set", self._plug, "master", self._bridge, "up")
        # Else who asks for the other's hardware address would soon hear that there is nobody. A host behind
        # a router hears nothing.
        there = ip(*inside, "-brief", "link", "show", "eth0").split()[2]
        ip("neighbour", "replace", self.address, "lladdr", there, "dev", self._bridge, "nud", "permanent")
        ip(
            *inside,
            "neighbour",
            "replace",
            f"{NET}.1",
            "lladdr",
            BRIDGE_MAC,
            "dev",
            "eth0",
            "nud",
            "permanent",
        )

    def command(self, argv: Sequence[str]) -> tuple[str, ...]:
        """Return the command that runs ``argv`` on this host."""
        named = ("unshare", "--uts", sys.executable, "-I", "-c", NEW_NAME, self.name)
        return (str(shutil.which("ip")), "netns", "exec", self._space, *named, *argv)

    def cut_off(self) -> None:
        """Lose whatever is sent from here and to here: nobody is told that the way is gone."""
        ip("link", "set", self._plug, "nomaster")

    def bring_back(self) -> None:
        """Plug it in again."""
        ip("link", "set", self._plug, "master", self._bridge)

    def remove(self) -> None:
        """End what still runs there, and take it away."""
        for pid in ip("netns", "pids", self._space).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        # Its other end goes with it, at once. With the namespace it would go at some time, and the next host
        # of this name would find it in its way.
        with contextlib.suppress(subprocess.CalledProcessError):
            ip("link", "delete", self._plug)
        ip("netns", "delete", self._space)


class Network:
    """A bridge with this machine on it."""

    def __init__(self) -> None:
        """Prepare; ``with`` makes it."""
        self._bridge = f"av{os.getpid() % 10**6}"
        self._opened = contextlib.ExitStack()
        self._count = 1
        self.address = f"{NET}.1"
        self.range = f"{NET}.0/24"

    def __enter__(self) -> Self:
        """Make the bridge; where that is not allowed, the test is skipped."""
        if shutil.which("ip") is None:
            pytest.skip("iproute2 is not installed")
        try:
            # An address of its own: else it would take that of a host, and change it with each.
            ip("link", "add", self._bridge, "address", BRIDGE_MAC, "type", "bridge")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network may be made here: {error.stderr.strip()}")
        self._opened.callback(ip, "link", "delete", self._bridge)
        try:
            ip("address", "add", f"{self.address}/24", "dev", self._bridge)
            ip("link", "set", self._bridge, "up")
            # Namespaces may be forbidden where bridges are not.
            with contextlib.closing(contextlib.ExitStack()) as tried:
                tried.callback(Host("trial", 2, self._bridge).remove)
        except subprocess.CalledProcessError as error:
            self._opened.close()
            pytest.skip(f"no host may be made here: {error.stderr.strip()}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the hosts with all that runs on them, and the bridge."""
        self._opened.close()

    def add(self, name: str) -> Host:
        """Return a new host."""
        self._count += 1
        host = Host(name, self._count, self._bridge)
        self._opened.callback(host.remove)
        return host


def allow(cluster: Path, addresses: str) -> None:
    """Let a range of addresses in to PostgreSQL, with passwords."""
    rules = cluster / "pg_hba.conf"
    line = f"host all all {addresses} scram-sha-256\n"
    if line not in rules.read_text():
        with rules.open("a") as file:
            file.write(line)
