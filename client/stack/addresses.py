"""Free ports of 127.0.0.1, and private files."""

from __future__ import annotations

import contextlib
import os
import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below the range from which systems take the near end of outgoing connections (32768 up on Linux): a
# server that is started again on its port must not find it taken by such a connection.
PORTS = range(20_000, 32_000)
TRIES = 100


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on.

    Raises:
        OSError: None was found.
    """
    draw = random.SystemRandom()
    for _ in range(TRIES):
        port = draw.choice(PORTS)
        if is_free(LOOPBACK, port):
            return port
    raise OSError("No free port was found on 127.0.0.1.")


def is_free(host: str, port: int) -> bool:
    """Tell whether a server could listen on ``port`` of ``host`` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do, so that connections that are just closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
