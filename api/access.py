"""Who may call: owners of keys, or, while keys are off, nobody but this machine's own user.

Without keys any web page that the user visits could try to call the API through their browser. Two
rules keep it out: a changing request from another origin is refused, unless the operator listed that
origin, and so is any request for a host name that is not ours, since a foreign name may be made to lead
here (DNS rebinding).
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask, g, request

from api.keyring import Keyring
from api.origins import Origins
from api.quotas.rates import Rates
from shared.errors import AvemotionError, ErrorCode
from shared.keys import Caller
from shared.settings import Settings

# Resources that say nothing about anybody's jobs.
OPEN_TO_ALL = frozenset({"health", "metrics", "documentation", "page"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Of a page of ours, of the user's own doing, and of what is no browser.
OWN_RELATIONS = frozenset({"same-origin", "none", None})
SCHEME = "bearer"
# Where a request's owner is noted once it is counted: a poll that Flask has to answer is looked at twice.
NOTED = "avemotion.owner"


class Access:
    """The rules for one server, by its settings."""

    def __init__(self, settings: Settings, keyring: Keyring, origins: Origins) -> None:
        """Choose the rules; keys are looked up in ``keyring``, pages of ``origins`` may change things."""
        self._origins = origins
        self._rates = Rates(settings)
        self._keyring = keyring if settings.keys_required else None
        names = (name.strip().lower() for name in settings.trusted_hosts.split(","))
        self._trusted = frozenset(name for name in names if name)

    def owner(self, environ: dict[str, Any]) -> UUID | None:
        """Return the key that a request was made with; ``None`` while keys are off.

        Raises:
            AvemotionError: It must not be answered.
        """
        if self._keyring is not None:
            return self._counted_owner(environ, self._keyring)
        host = environ.get("HTTP_HOST", "")
        if not is_near(host, self._trusted):
            raise AvemotionError(
                ErrorCode.FORBIDDEN,
                "While API keys are off, the service answers to localhost, IP addresses and the names in "
                "AVEMOTION_TRUSTED_HOSTS only.",
            )
        origin = environ.get("HTTP_ORIGIN")
        if environ["REQUEST_METHOD"] not in SAFE_METHODS and not self._origins.allow(origin):
            refuse_other_origins(origin, host, environ.get("HTTP_SEC_FETCH_SITE"))
        return None

    def _counted_owner(self, environ: dict[str, Any], keyring: Keyring) -> UUID:
        noted: UUID | None = environ.get(NOTED)
        if noted is None:
            caller = find_caller(environ, keyring)
            self._rates.count(caller)
            noted = environ[NOTED] = caller.id
        return noted

    @property
    def needs_key(self) -> bool:
        """Tell whether keys are on."""
        return self._keyring is not None


def register(app: Flask, access: Access) -> None:
    """Check every request of ``app`` before anything else is done with it."""

    def check() -> None:
        if not (access.needs_key and request.blueprint in OPEN_TO_ALL):
            g.owner_id = access.owner(request.environ)

    app.before_request(check)


def owner_id() -> UUID | None:
    """Return the key that the request being answered was made with; ``None`` while keys are off."""
    owner: UUID | None = g.owner_id
    return owner


def find_caller(environ: dict[str, Any], keyring: Keyring) -> Caller:
    """Return the owner of a request's key.

    Raises:
        AvemotionError: There is no key, or it is not valid.
    """
    scheme, _, secret = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    caller = keyring.caller(secret.strip()) if scheme.lower() == SCHEME and secret else None
    if caller is None:
        raise AvemotionError(
            ErrorCode.UNAUTHORIZED, "Send a valid API key in the header Authorization: Bearer KEY."
        )
    return caller


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


def refuse_other_origins(origin: str | None, host: str, relation: str | None) -> None:
    """Raise for a request that a browser sends in the name of another site.

    Args:
        origin: Whose page it comes from.
        host: Whom it is meant for.
        relation: What the browser says of the two in ``Sec-Fetch-Site``; absent elsewhere.
    """
    foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
    if foreign or relation not in OWN_RELATIONS:
        raise AvemotionError(
            ErrorCode.FORBIDDEN,
            "Requests from pages of other sites are refused, but for those of AVEMOTION_CORS_ORIGINS.",
        )
