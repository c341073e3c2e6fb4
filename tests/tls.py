"""TLS in front of a server that has none: the wheels' PostgreSQL and Valkey are built without it."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Self

import trustme

# What a client of PostgreSQL sends before it begins to speak TLS, and the server's consent.
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
# The first byte of every TLS connection.
HANDSHAKE = 0x16


class Authority:
    """Who signs the certificates of a test."""

    def __init__(self, folder: Path) -> None:
        """Make one, and write its own certificate into ``folder``."""
        self._authority = trustme.CA()
        self.file = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(self.file)

    def context(self, name: str = "127.0.0.1") -> ssl.SSLContext:
        """Return what a server of this name needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(name).configure_cert(context)
        return context


class TlsFront:
    """Takes connections with TLS on a free port and passes what they say on to a server.

    One that does not begin to speak TLS is passed on as it is, or refused.
    """

    def __init__(self, context: ssl.SSLContext, port: int, *, plain: bool = False) -> None:
        """Stand in front of ``port``; it begins when the ``with`` block is entered."""
        self._context = context
        self._behind = port
        self._plain = plain
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.encrypted = 0

    def __enter__(self) -> Self:
        """Begin to take connections."""
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take no more; those that are open end with their clients."""
        # A close alone would not wake up who waits for connections.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                Thread(target=self._pass_on, args=(near,), daemon=True).start()

    def _pass_on(self, near: socket.socket) -> None:
        # Clients that do not trust the certificate hang up; servers are killed.
        with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
            opened.callback(near.close)
            if near.recv(len(SSL_REQUEST), socket.MSG_PEEK) == SSL_REQUEST:
                near.recv(len(SSL_REQUEST))
                near.sendall(b"S")
            first = near.recv(1, socket.MSG_PEEK)
            if first and first[0] == HANDSHAKE:
                near = opened.enter_context(self._context.wrap_socket(near, server_side=True))
                self.encrypted += 1
            elif not self._plain:
                return
            far = opened.enter_context(socket.create_connection(("127.0.0.1", self._behind)))
            pump(near, far)


def pump(near: socket.socket, far: socket.socket) -> None:
    """Pass on what each says until one hangs up."""
    while True:
        held = isinstance(near, ssl.SSLSocket) and near.pending()
        for each in [near] if held else select.select([near, far], [], [])[0]:
            said = each.recv(1 << 16)
            if not said:
                return
            (far if each is near else near).sendall(said)
