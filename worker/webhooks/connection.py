"""Connections to receivers: only to addresses that are allowed, and never beyond a deadline.

A receiver's name is looked up once, every address that it stands for is judged, and one of those very
addresses is connected to. The name is not looked up again, so it cannot lead elsewhere in between; TLS and
the header ``Host`` go by the name all the same.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import httpcore

from shared.webhooks.addresses import IPAddress
from shared.webhooks.receiver import Receiver, check_addresses

Resolver = Callable[[Receiver], Sequence[IPAddress]]
# Of several addresses each gets a part of the time.
CONNECT_LIMIT_S = 5.0


class UnknownHostError(Exception):
    """The receiver's name stands for no address."""


class Backend(httpcore.NetworkBackend):
    """Connects to one receiver."""

    def __init__(
        self, receiver: Receiver, resolve: Resolver, deadline: float, *, allow_private: bool
    ) -> None:
        """Connect to ``receiver`` and nothing else, until ``deadline`` of the monotonic clock."""
        self._receiver = receiver
        self._resolve = resolve
        self._deadline = deadline
        self._allow_private = allow_private

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - it is the receiver's, whose addresses are looked up here
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline stands for all time limits
        local_address: str | None = None,  # noqa: ARG002 - httpcore's signature
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - the same
    ) -> httpcore.NetworkStream:
        """Return a connection to the first address that takes one.

        Raises:
            ReceiverError: The name leads where webhooks may not go; nothing was connected to.
            UnknownHostError: The name leads nowhere.
        """
        try:
            addresses = self._resolve(self._receiver)
        except OSError as error:
            raise UnknownHostError from error
        check_addresses(self._receiver, addresses, allow_private=self._allow_private)
        fault: OSError = ConnectionError("no address")
        for address in addresses:
            limit_s = min(CONNECT_LIMIT_S, time_left(self._deadline, httpcore.ConnectTimeout))
            try:
                # A literal: nothing is looked up here.
                connection = socket.create_connection((str(address), port), limit_s)
            except OSError as error:
                fault = error
            else:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return Stream(connection, self._deadline)
        if isinstance(fault, TimeoutError):
            raise httpcore.ConnectTimeout from fault
        raise httpcore.ConnectError from fault


class Stream(httpcore.NetworkStream):
    """A connection that ends at a deadline, however slowly the other side sends or takes."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        """Take over a connection."""
        self._socket = connection
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - httpcore's signature
        """Return what has come; nothing at the end."""
        try:
            self._socket.settimeout(time_left(self._deadline, httpcore.ReadTimeout))
            return self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout from error
        except OSError as error:
            raise httpcore.ReadError from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - httpcore's signature
        """Send all of ``buffer``."""
        try:
            while buffer:
                self._socket.settimeout(time_left(self._deadline, httpcore.WriteTimeout))
                buffer = buffer[self._socket.send(buffer) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout from error
        except OSError as error:
            raise httpcore.WriteError from error

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - httpcore's signature
    ) -> httpcore.NetworkStream:
        """Return the connection with TLS on it."""
        try:
            # Python's handshake as a whole keeps to the socket's limit.
            self._socket.settimeout(time_left(self._deadline, httpcore.ConnectTimeout))
            secure = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except TimeoutError as error:
            self._fail(httpcore.ConnectTimeout(), error)
        except OSError as error:
            self._fail(httpcore.ConnectError(), error)
        return Stream(secure, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ARG002 - httpcore's signature
        """Return what httpcore asks for of the connection: nothing that it needs here."""
        return None

    def _fail(self, error: Exception, cause: OSError) -> NoReturn:
        self.close()
        raise error from cause


def time_left(deadline: float, error: type[Exception]) -> float:
    """Return the seconds until a deadline; raise ``error`` after it."""
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise error
    return left_s
