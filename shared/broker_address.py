"""Addresses of a broker: one server, or Sentinels that know which of several is the primary."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

SERVER_PORT = 6379
SENTINEL_PORT = 26379
# With TLS, and through Sentinels.
SCHEMES = {
    "redis": (False, False),
    "rediss": (True, False),
    "sentinel": (False, True),
    "sentinels": (True, True),
}


@dataclass(frozen=True)
class BrokerAddress:
    """What an address says.

    Attributes:
        tls: Whether every connection is encrypted, and the certificate checked.
        by_sentinels: Whether ``nodes`` are Sentinels, and not the server itself.
        nodes: Hosts and ports; of a server there is one.
        username: Of the server.
        password: Of the server; Sentinels have one of their own.
        database: Number.
    """

    tls: bool
    by_sentinels: bool
    nodes: tuple[tuple[str, int], ...]
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0

    @property
    def celery_url(self) -> str:
        """Return the address as Celery reads it: without TLS for Sentinels, which it has no word for."""
        scheme = "sentinel" if self.by_sentinels else "rediss" if self.tls else "redis"
        who = f"{quote(self.username or '', safe='')}:{quote(self.password or '', safe='')}@"
        who = who if self.username or self.password else ""
        return ";".join(
            f"{scheme}://{who}{f'[{host}]' if ':' in host else host}:{port}/{self.database}"
            for host, port in self.nodes
        )


def read_address(text: str) -> BrokerAddress:
    """Return what an address says; that of several Sentinels has one for each, between semicolons.

    Raises:
        ValueError: It cannot be used; the words hold nothing of it, since it may hold a password.
    """
    parts = [_split(each) for each in text.split(";")]
    schemes = {part.scheme for part in parts}
    if len(schemes) != 1 or not schemes <= SCHEMES.keys():
        raise ValueError(
            "write redis://:password@host:6379/0, or rediss:// for TLS, or one "
            "sentinel://:password@host:26379/0 (sentinels:// for TLS) a Sentinel between semicolons"
        )
    tls, by_sentinels = SCHEMES[schemes.pop()]
    if len(parts) > 1 and not by_sentinels:
        raise ValueError("several addresses between semicolons are for Sentinels only")
    for part in parts:
        _check_options(part)
    first = parts[0]
    return BrokerAddress(
        tls,
        by_sentinels,
        tuple(_node(part, SENTINEL_PORT if by_sentinels else SERVER_PORT) for part in parts),
        unquote(first.username) if first.username else None,
        unquote(first.password) if first.password else None,
        _database(first.path),
    )


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text.strip())
    except ValueError:
        raise ValueError("this is no address") from None


def _node(part: SplitResult, port: int) -> tuple[str, int]:
    try:
        found = part.port
    except ValueError:
        # Its own words would repeat what stands there, which may be a password.
        raise ValueError("the port is no number; %-encode what is special in a password") from None
    return part.hostname or "127.0.0.1", found or port


def _database(path: str) -> int:
    name = path.strip("/") or "0"
    if not name.isdecimal():
        raise ValueError("what follows the host is the number of a database, such as /0")
    return int(name)


def _check_options(part: SplitResult) -> None:
    options = {name: values[-1] for name, values in parse_qs(part.query).items()}
    if options.get("ssl_cert_reqs", "required").lower().removeprefix("cert_") != "required":
        raise ValueError(
            "certificates are always checked: leave ssl_cert_reqs out, and name who signs the broker's in "
            "AVEMOTION_BROKER_CA_FILE"
        )
    if options.keys() - {"ssl_cert_reqs"}:
        raise ValueError(
            "nothing may follow after `?`: AVEMOTION_BROKER_CA_FILE names who signs the broker's certificate"
        )
