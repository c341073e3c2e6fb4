"""What browsers are told of every answer, whoever gave it: the page, an error, a file, the server itself.

A view that sets one of these headers means it, and keeps its own.
"""

from __future__ import annotations

from typing import Any

Headers = list[tuple[str, str]]

# Of what is no page nothing is shown, run or framed, whatever it is taken for; no other site may load it
# without being on the list of origins, and no address here is told to anybody.
SAFE: Headers = [
    (
        "Content-Security-Policy",
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    # For browsers that do not know frame-ancestors.
    ("X-Frame-Options", "DENY"),
]


def safe(headers: Headers) -> Headers:
    """Return an answer's headers with those that are missing."""
    there = {name.lower() for name, _ in headers}
    return [*headers, *(header for header in SAFE if header[0].lower() not in there)]


def add_safe(start_response: Any) -> Any:
    """Return what a WSGI application begins its answers with, so that all of them are safe."""

    def start(status: str, headers: Headers, *error: Any) -> Any:
        return start_response(status, safe(headers), *error)

    return start
