"""A receiver of webhooks: a real HTTP server on loopback that answers as a test tells it."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

from tests.servers import wait_until

Answer = Callable[["Handler"], None]
PIECE = b"x" * 65536


@dataclass(frozen=True)
class Delivery:
    """What was posted."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The header that tells events apart."""
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> dict[str, Any]:
        """Return the event if the library finds the signature to be right."""
        event: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return event


class Handler(BaseHTTPRequestHandler):
    """Takes a request down, and answers."""

    server: Server

    def do_POST(self) -> None:
        """Answer by the path's next answer; the last of them goes on for ever."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.take(Delivery(self.path, headers, body))
        with contextlib.suppress(OSError):
            answer(self)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """The server behind a receiver."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self) -> None:
        """Listen on a free port of loopback."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken: list[Delivery] = []
        self.answers: dict[str, list[Answer]] = defaultdict(lambda: [status(204)])
        self._guard = threading.Lock()

    def take(self, delivery: Delivery) -> Answer:
        """Note a delivery; return what is answered to it."""
        with self._guard:
            self.taken.append(delivery)
            answers = self.answers[delivery.path]
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def handle_error(self, *_: Any) -> None:
        """Say nothing of clients that left."""


class Receiver:
    """What a test sees of its receiver."""

    def __init__(self, server: Server, scheme: str = "http") -> None:
        """Stand for a server that runs."""
        self._server = server
        self.port: int = server.server_address[1]
        self._scheme = scheme

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """Return an address of the receiver."""
        return f"{self._scheme}://{host}:{self.port}{path}"

    def answers(self, path: str, *answers: Answer) -> str:
        """Let a path answer so, one after the other; return its address."""
        self._server.answers[path] = list(answers)
        return self.url(path)

    def taken(self, path: str | None = None) -> list[Delivery]:
        """Return what was posted so far, to one path or to all."""
        return [each for each in self._server.taken if path in {None, each.path}]

    def await_taken(self, path: str, number: int = 1) -> list[Delivery]:
        """Return what was posted to a path once it is so many."""
        wait_until(lambda: len(self.taken(path)) >= number)
        return self.taken(path)


def status(code: int, **headers: str) -> Answer:
    """Return an answer that is a status and, if told, headers."""

    def answer(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def held(until: threading.Event) -> Answer:
    """Return an answer that does not come before ``until``."""

    def answer(handler: Handler) -> None:
        until.wait(60)
        status(204)(handler)

    return answer


def endless(sent: list[int]) -> Answer:
    """Return a good answer whose body never ends; ``sent`` gets the length of each piece that went out."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(PIECE)
            sent.append(len(PIECE))

    return answer


def dripping(over: threading.Event) -> Answer:
    """Return an answer of which a byte comes now and then, and whose headers never end."""

    def answer(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not over.wait(0.02):
            handler.wfile.write(b"X")

    return answer


@contextlib.contextmanager
def running_receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver, over TLS where a context is given."""
    server = Server()
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Receiver(server, "http" if tls is None else "https")
    finally:
        server.shutdown()
        server.server_close()
