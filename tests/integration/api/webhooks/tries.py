"""Single tries of webhooks, as the janitor makes them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from uuid import uuid4

from shared.webhooks.documents import Event, event_body
from shared.webhooks.secrets import read_secrets
from tests.integration.api.webhooks.conftest import SECRET
from worker.webhooks.connection import Resolver
from worker.webhooks.sending import Try, send

LONG_S, SHORT_S = 30.0, 0.5


def event_to(url: str) -> Event:
    """Return an event for a receiver."""
    body = event_body("job.succeeded", datetime.now(UTC), {"reference": "crème.mp4"})
    return Event(uuid4(), url, None, body)


def leads_to(*addresses: str) -> Resolver:
    """Return a look-up that finds these, whatever the name."""
    return lambda _: [ip_address(address) for address in addresses]


def attempt(
    event: Event,
    secrets: str = SECRET,
    limit_s: float = LONG_S,
    resolver: Resolver | None = None,
    *,
    allow_private: bool = True,
) -> Try:
    """Make one try, and return what became of it."""
    more: dict[str, Any] = {"resolver": resolver} if resolver else {}
    deadline = time.monotonic() + limit_s
    return send(
        event, read_secrets(secrets), datetime.now(UTC), deadline, allow_private=allow_private, **more
    )
