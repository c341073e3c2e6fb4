"""Hosts that tests make of this machine."""

from __future__ import annotations

import subprocess

from tests.network import Network


def test_a_network_leaves_room_for_the_next() -> None:
    """What it made is gone when it ends, whatever ran there: the next one has the same names."""
    for _ in range(3):
        with Network() as network:
            hosts = [network.add(name) for name in ("first", "second")]
            running = [subprocess.Popen(host.command(("/bin/sleep", "60"))) for host in hosts]
        for process in running:
            process.wait()
