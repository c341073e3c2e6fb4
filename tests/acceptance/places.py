"""Everywhere that a service keeps something, and a search through all of it."""

from __future__ import annotations

import base64
import binascii
import re
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, cast

from client.stack.postgres import find_programs
from shared.queue import broker
from shared.scratch import PREFIX
from shared.settings import Settings
from tests.acceptance.service import Service

BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")


def plain_url(settings: Settings) -> str:
    """Return the database's address as PostgreSQL's own programs know it."""
    return str(settings.database_url).replace("postgresql+psycopg://", "postgresql://")


def database(service: Service) -> bytes:
    """Return a dump of the whole database, as text."""
    command = [find_programs() / "bin" / "pg_dump", f"--dbname={plain_url(service.settings)}"]
    return subprocess.run(command, check=True, capture_output=True).stdout


def files_below(folder: Path) -> Iterator[bytes]:
    """Yield the name and the bytes of every file below a folder."""
    for path in sorted(folder.rglob("*")):
        yield str(path.relative_to(folder)).encode()
        if path.is_file():
            yield path.read_bytes()


def storage(service: Service) -> bytes:
    """Return the names and bytes of all files in storage, and in the folders of temporary files."""
    scratch = Path(service.settings.scratch_dir or tempfile.gettempdir()).glob(f"{PREFIX}*")
    folders = [service.settings.data_dir / "storage", *scratch]
    return b"\n".join(chain.from_iterable(files_below(folder) for folder in folders))


def valkey(service: Service) -> bytes:
    """Return every key and value of the broker, of whatever type, and what is written in Base64 inside."""
    connection: Any = broker(service.settings)
    found: list[bytes] = []
    for key in connection.scan_iter():
        kind = connection.type(key)
        read = {
            b"string": connection.get,
            b"list": lambda name: connection.lrange(name, 0, -1),
            b"hash": connection.hgetall,
            b"set": connection.smembers,
            b"zset": lambda name: connection.zrange(name, 0, -1, withscores=True),
            b"stream": connection.xrange,
        }[kind if isinstance(kind, bytes) else kind.encode()]
        found.append(repr((key, read(key))).encode())
    plain = b"\n".join(found)
    return plain + b"\n" + b"\n".join(_decoded(plain))


def _decoded(text: bytes) -> Iterator[bytes]:
    """Yield what Celery's messages hold."""
    for match in cast("list[bytes]", BASE64.findall(text)):
        try:
            yield base64.b64decode(match)
        except binascii.Error:
            continue


def logs(service: Service) -> bytes:
    """Return all that API, workers, janitor and servers have logged."""
    texts = [*service.stack.folder.log_dir.glob("*"), *service.folder.glob("*.log")]
    return b"\n".join(path.read_bytes() for path in texts)


def metrics(service: Service) -> bytes:
    """Return what Prometheus would read."""
    return service.http.get("/metrics").content
