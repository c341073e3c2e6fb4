"""How Celery and our own calls reach the broker: with time limits, TLS, and by way of Sentinels."""

from __future__ import annotations

from collections import UserDict
from dataclasses import dataclass, field
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from shared.broker_address import BrokerAddress, read_address
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings

SOCKET_TIMEOUT_S = 5
# Sentinels are asked one after another: one that is cut off must not hold up those that answer.
SENTINEL_TIMEOUT_S = 2
# A connection that said nothing for so long is asked whether it still stands.
HEALTH_CHECK_S = 10


class SentinelOptions(UserDict[str, Any]):
    """Options that Celery uses and does not tell: of all others a worker tells whoever asks how it is."""

    def __json__(self) -> dict[str, Any]:
        """Return nothing: there is a password among them, and what is no JSON."""
        return {}


@dataclass(frozen=True)
class BrokerAccess:
    """Everything that it takes to reach the broker.

    Attributes:
        address: Of the server, or of Sentinels.
        ca_file: Certificates that may sign its own; the system's without.
        primary: Name by which Sentinels know the servers.
        sentinel_password: Of the Sentinels.
    """

    address: BrokerAddress
    ca_file: str | None = None
    primary: str = ""
    sentinel_password: str | None = field(default=None, repr=False)

    @property
    def tls(self) -> dict[str, Any]:
        """Return how certificates are checked; nothing without TLS."""
        if not self.address.tls:
            return {}
        # Celery would take any certificate if it were not told.
        return {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": self.ca_file}

    def transport_options(self, timeout_s: float = SOCKET_TIMEOUT_S) -> dict[str, Any]:
        """Return the options of Celery's transport: how the broker is reached, and noticed to be gone."""
        options: dict[str, Any] = {
            "socket_timeout": timeout_s,
            "socket_connect_timeout": timeout_s,
            "socket_keepalive": True,
            "health_check_interval": HEALTH_CHECK_S,
        }
        if self.address.by_sentinels:
            options |= {"master_name": self.primary, "sentinel_kwargs": self._to_sentinels(timeout_s)}
        return options

    def _to_sentinels(self, timeout_s: float) -> SentinelOptions:
        timeout_s = min(timeout_s, SENTINEL_TIMEOUT_S)
        options = {
            "socket_timeout": timeout_s,
            "socket_connect_timeout": timeout_s,
            "password": self.sentinel_password,
            # The next Sentinel is the next try: to ask one that is cut off ten times would take a minute.
            "retry": Retry(NoBackoff(), 0),
            "ssl": self.address.tls,
            **self.tls,
        }
        return SentinelOptions(options)

    def client(self, timeout_s: float = SOCKET_TIMEOUT_S) -> redis.Redis:
        """Return a client; it connects when it is first used, and again where a server has failed over."""
        address = self.address
        options: dict[str, Any] = {
            "username": address.username,
            "password": address.password,
            "db": address.database,
            "socket_timeout": timeout_s,
            "socket_connect_timeout": timeout_s,
            "decode_responses": True,
            # A kept connection may have died of a restart of the server. Silence is not tried twice.
            "retry": Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
            "ssl": address.tls,
            **self.tls,
        }
        if not address.by_sentinels:
            [(host, port)] = address.nodes
            return redis.Redis(host=host, port=port, **options)
        kwargs = self._to_sentinels(timeout_s)
        sentinel = Sentinel(address.nodes, sentinel_kwargs=kwargs, **options)  # type: ignore[no-untyped-call]
        client: redis.Redis = sentinel.master_for(self.primary)  # type: ignore[no-untyped-call]
        return client


def access_of(settings: Settings) -> BrokerAccess:
    """Return how the broker of the settings is reached.

    Raises:
        AvemotionError: No broker address is set.
    """
    if settings.broker_url is None:
        message = "AVEMOTION_BROKER_URL is not set; `avemotion serve` starts a server and sets it."
        raise AvemotionError(ErrorCode.INVALID_SETTINGS, message)
    password = settings.broker_sentinel_password
    return BrokerAccess(
        read_address(settings.broker_url),
        str(settings.broker_ca_file) if settings.broker_ca_file else None,
        settings.broker_primary,
        password.get_secret_value() if password else None,
    )
