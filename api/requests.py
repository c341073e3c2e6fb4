"""Requests as the views see them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import flask

from shared.errors import AvemotionError, ErrorCode

# A client that sends nothing for so long is taken to be gone; its thread serves others.
IDLE_LIMIT_S = 30
# How long the rest of a refused body is still read, so that the client gets to send it all and then
# reads why, instead of finding the connection reset.
DRAIN_S = 5
DRAIN_BYTES = 256 * 1024


class Request(flask.Request):
    """A request whose body is JSON or, for uploads, a stream that is read by hand."""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:  # noqa: ARG002
        """Return the body as parsed JSON; it says what is wrong with it even where Flask would not.

        Raises:
            AvemotionError: The body is no JSON, or is not declared as such.
        """
        if not self.is_json:
            raise AvemotionError(
                ErrorCode.MALFORMED_REQUEST,
                "The body must be JSON, sent with the header Content-Type: application/json.",
            )
        with patience(self.environ):
            body = self.get_data(cache=cache)
        try:
            return json.loads(body)
        # RecursionError: brackets nested without end.
        except (ValueError, RecursionError) as error:
            where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
            raise AvemotionError(
                ErrorCode.MALFORMED_REQUEST, f"The body could not be read as JSON{where}."
            ) from None


@contextmanager
def patience(environ: dict[str, Any], limit_s: float = IDLE_LIMIT_S) -> Iterator[None]:
    """Give up on a client that sends nothing for ``limit_s`` inside the block."""
    # Servers do not time out a body; gunicorn hands over the socket it comes from.
    socket = environ.get("gunicorn.socket")
    if socket is None:
        yield
        return
    socket.settimeout(limit_s)
    try:
        yield
    finally:
        socket.settimeout(None)


def drain(environ: dict[str, Any]) -> None:
    """Read and forget what is left of a body, for a while."""
    stream, until = environ["wsgi.input"], time.monotonic() + DRAIN_S
    try:
        while (left_s := until - time.monotonic()) > 0:
            with patience(environ, left_s):
                if not stream.read(DRAIN_BYTES):
                    return
    except Exception:  # noqa: BLE001 - each server has errors of its own for broken bodies
        return
