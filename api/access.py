"""Who may call: owners of keys, or, while keys are off, nobody but this machine's own user.

Without keys any web page that the user visits could try to call the API through their browser. Two
rules keep it out: a changing request from another origin is refused, and so is any request for a
host name that is not ours, since a foreign name may be made to lead here (DNS rebinding).
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask, g, request

from api.services import services
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings

# Resources that say nothing about anybody's jobs.
OPEN_TO_ALL = frozenset({"health", "metrics", "documentation"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SCHEME = "bearer"


def owner_id() -> UUID | None:
    """Return the key that this request was made with; ``None`` while keys are off."""
    owner: UUID | None = g.get("owner_id")
    return owner


def register(app: Flask, settings: Settings) -> None:
    """Check every request of ``app`` before anything else is done with it."""
    if settings.keys_required:
        app.before_request(require_key)
        return
    trusted = frozenset(name.strip().lower() for name in settings.trusted_hosts.split(",") if name.strip())

    def require_nearness() -> None:
        host = request.environ.get("HTTP_HOST", "")
        if not is_near(host, trusted):
            raise AvemotionError(
                ErrorCode.FORBIDDEN,
                "While API keys are off, the service answers to localhost, IP addresses and the names in "
                "AVEMOTION_TRUSTED_HOSTS only.",
            )
        if request.method not in SAFE_METHODS:
            refuse_other_origins(host)

    app.before_request(require_nearness)


def require_key() -> None:
    """Find the owner of the request's key.

    Raises:
        AvemotionError: There is no key, or it is not valid.
    """
    if request.blueprint in OPEN_TO_ALL:
        return
    scheme, _, secret = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    owner = services().keyring.owner(secret.strip()) if scheme.lower() == SCHEME and secret else None
    if owner is None:
        raise AvemotionError(
            ErrorCode.UNAUTHORIZED, "Send a valid API key in the header Authorization: Bearer KEY."
        )
    g.owner_id = owner


@lru_cache(maxsize=256)
def is_near(host: str, trusted: frozenset[str]) -> bool:
    """Tell whether a Host header can only have been meant for us.

    An address cannot be made to lead elsewhere; of names, only those we know are taken.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    try:
        ip_address(name)
    except ValueError:
        return name == "localhost" or name in trusted
    return True


def refuse_other_origins(host: str) -> None:
    """Raise for a request that a browser sends in the name of another site."""
    origin = request.environ.get("HTTP_ORIGIN")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        raise AvemotionError(ErrorCode.FORBIDDEN, "Requests from pages of other sites are refused.")
