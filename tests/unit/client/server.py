"""A real HTTP server that answers from a script and keeps what it was asked."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Answer:
    """One answer of the script; ``hold`` keeps it back until the event is set."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None


@dataclass(frozen=True)
class Seen:
    """One request that came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class ScriptedServer:
    """Answers each call with the next line of its script; the last line is said for ever."""

    def __init__(self, url: str) -> None:
        """Begin with an empty script: everything is 404."""
        self.url = url
        self.script: dict[str, list[Answer]] = defaultdict(list)
        self.seen: list[Seen] = []
        self.arrived = threading.Condition()

    def on(self, call: str, *answers: Answer) -> None:
        """Say what ``call``, such as ``GET /jobs/1``, is answered."""
        self.script[call] = list(answers)

    def calls(self, call: str) -> list[Seen]:
        """Return the requests of one call."""
        return [seen for seen in self.seen if f"{seen.method} {seen.path}" == call]

    def await_call(self, call: str) -> None:
        """Return when ``call`` has come."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: self.calls(call), timeout=60), f"{call} did not come"

    def take(self, seen: Seen) -> Answer:
        """Note a request and return its answer."""
        with self.arrived:
            self.seen.append(seen)
            self.arrived.notify_all()
            lines = self.script[f"{seen.method} {seen.path}"]
            return (lines.pop(0) if len(lines) > 1 else lines[0]) if lines else Answer(404, b"")


@contextmanager
def serving(port: int = 0) -> Iterator[ScriptedServer]:
    """Run a server on this machine, on a free port unless one is named."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            announced = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(announced)
            if len(body) < announced:
                self.close_connection = True
                return
            path, _, query = self.path.partition("?")
            answer = scripted.take(Seen(self.command, path, query, dict(self.headers), body))
            if answer.hold is not None:
                answer.hold.wait(60)
            # A client that was interrupted is not there to hear it.
            with suppress(ConnectionError):
                self.say(answer)

        def say(self, answer: Answer) -> None:
            raw = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 304:
                self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            if answer.status != 304:
                self.wfile.write(raw)

        do_GET = do_POST = handle_any  # noqa: N815 - the names http.server looks for

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    scripted = ScriptedServer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield scripted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
