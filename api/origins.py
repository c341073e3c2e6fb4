"""Pages of other origins that may call: the CORS protocol, answered around everything else.

Polls are answered before Flask is entered, and a preflight carries no key, so this is done where
requests come in. Only origins on the list are told anything; no cookie is ever asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from api.metrics import count
from shared.settings import Settings, read_origins

# All that a view takes or that the contract names.
METHODS = "GET, HEAD, POST, DELETE"
REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-None-Match, If-Range, Prefer, Range"
RESPONSE_HEADERS = (
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Location, Preference-Applied, RateLimit, "
    "RateLimit-Policy, Retry-After, WWW-Authenticate"
)
# The longest that browsers remember what a preflight said.
PREFLIGHT_AGE_S = 7200
PREFLIGHT_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
# To an operator all preflights are one route.
ROUTE = "preflight"
Headers = list[tuple[str, str]]
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Origins:
    """The origins of one server's settings."""

    def __init__(self, settings: Settings) -> None:
        """Read the list."""
        self._allowed = read_origins(settings.cors_origins)

    def allow(self, origin: str | None) -> bool:
        """Tell whether pages of ``origin``, as a browser writes it, may call."""
        return origin in self._allowed

    def answer(self, environ: dict[str, Any], start_response: Any, inner: Wsgi) -> Iterable[bytes]:
        """Answer a preflight, or let ``inner`` answer and add what the browser of an allowed page needs."""
        if not self._allowed:
            return inner(environ, start_response)
        origin = environ.get("HTTP_ORIGIN")
        allowed = self.allow(origin)
        if allowed and is_preflight(environ):
            start_response("204 NO CONTENT", preflight_headers(origin))
            count(ROUTE, "OPTIONS", 204)
            return ()
        more = answer_headers(origin if allowed else None)

        def start(status: str, headers: Headers, *error: Any) -> Any:
            return start_response(status, [*headers, *more], *error)

        return inner(environ, start)


def is_preflight(environ: dict[str, Any]) -> bool:
    """Tell whether a browser asks if it may send a request."""
    return environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ


def preflight_headers(origin: str | None) -> Headers:
    """Return what a browser is told that asks for a page of an allowed origin."""
    return [
        ("Access-Control-Allow-Origin", origin or ""),
        ("Access-Control-Allow-Methods", METHODS),
        ("Access-Control-Allow-Headers", REQUEST_HEADERS),
        ("Access-Control-Max-Age", str(PREFLIGHT_AGE_S)),
        ("Vary", PREFLIGHT_VARY),
    ]


def answer_headers(origin: str | None) -> Headers:
    """Return what every answer gets; ``origin`` is ``None`` unless it is an allowed one."""
    # Also where nothing is allowed: what a cache keeps of it must not be given to those who are.
    vary = ("Vary", "Origin")
    if origin is None:
        return [vary]
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Expose-Headers", RESPONSE_HEADERS),
        vary,
    ]
