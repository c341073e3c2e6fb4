"""One try to deliver one webhook."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import httpcore
import httpx
from standardwebhooks.webhooks import Webhook as Signer

from shared.tables import WebhookOutcome
from shared.webhooks.documents import Event
from shared.webhooks.receiver import Receiver, ReceiverError, check_scheme, read_receiver, resolve
from worker.webhooks.backoff import read_retry_after
from worker.webhooks.connection import Backend, Resolver, UnknownHostError

# Read so that a short answer ends in good order; what it says does not matter.
ANSWER_BYTES = 4096
SUCCESS = range(200, 300)
REDIRECTION = range(300, 400)
GONE = 410


class Try(NamedTuple):
    """What became of a try.

    Attributes:
        outcome: How it ended.
        status: HTTP status of the answer, if there was one.
        retry_after_s: When the receiver wants the next one, if it said so.
    """

    outcome: WebhookOutcome
    status: int | None = None
    retry_after_s: float | None = None


def send(  # noqa: PLR0913 - each of them varies by itself
    event: Event,
    secrets: Sequence[bytes],
    now: datetime,
    deadline: float,
    *,
    allow_private: bool,
    resolver: Resolver = resolve,
) -> Try:
    """Post an event, signed, and return what became of it. Redirects are not followed.

    Args:
        event: What is told to whom.
        secrets: Each of them signs it.
        now: The time that is signed, in UTC.
        deadline: End of the try by the monotonic clock; nothing is sent after it.
        allow_private: Whether it may go to private addresses.
        resolver: Looks up names.
    """
    try:
        receiver = read_receiver(event.url)
        check_scheme(receiver, allow_private=allow_private)
        backend = Backend(receiver, resolver, deadline, allow_private=allow_private)
        return _post(receiver, backend, event.body.encode(), signed_headers(event, secrets, now))
    except ReceiverError:
        return Try(WebhookOutcome.ADDRESS_REFUSED)
    except UnknownHostError:
        return Try(WebhookOutcome.UNKNOWN_HOST)
    except httpcore.TimeoutException:
        return Try(WebhookOutcome.TIMEOUT)
    except httpcore.ConnectError as error:
        failed_tls = isinstance(error.__cause__, ssl.SSLError)
        return Try(WebhookOutcome.TLS_FAILED if failed_tls else WebhookOutcome.UNREACHABLE)
    except (httpcore.NetworkError, httpcore.ProtocolError):
        return Try(WebhookOutcome.BROKEN_ANSWER)


def signed_headers(event: Event, secrets: Sequence[bytes], now: datetime) -> dict[str, str]:
    """Return the headers that the Standard Webhooks specification asks for."""
    webhook_id = str(event.webhook_id)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Signer(key).sign(webhook_id, now, event.body) for key in secrets),
    }


def _post(receiver: Receiver, backend: Backend, body: bytes, signature: dict[str, str]) -> Try:
    url = httpcore.URL(
        scheme="http" if receiver.is_plain else "https",
        host=receiver.host,
        port=receiver.port,
        target=receiver.target,
    )
    headers = {
        "Host": receiver.name,
        "User-Agent": "avemotion",
        "Accept": "*/*",
        "Content-Type": "application/json",
        "Connection": "close",
        **signature,
    }
    with (
        httpcore.HTTPConnection(url.origin, ssl_context=tls_context(), network_backend=backend) as connection,
        connection.stream("POST", url, headers=list(headers.items()), content=body) as response,
    ):
        # The status decides; how the rest of the answer ends does not matter.
        with contextlib.suppress(httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
            read = 0
            for piece in response.iter_stream():
                read += len(piece)
                if read >= ANSWER_BYTES:
                    break
        return _judge(response.status, dict(response.headers))


def _judge(status: int, headers: dict[bytes, bytes]) -> Try:
    if status in SUCCESS:
        return Try(WebhookOutcome.DELIVERED, status)
    if status == GONE:
        return Try(WebhookOutcome.GONE, status)
    named = {name.lower(): value for name, value in headers.items()}
    pause_s = read_retry_after(named.get(b"retry-after", b"").decode("latin-1"), time.time())
    outcome = WebhookOutcome.REDIRECTED if status in REDIRECTION else WebhookOutcome.REJECTED
    return Try(outcome, status, pause_s)


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """Return what certificates are checked with; ``SSL_CERT_FILE`` may name other authorities."""
    return httpx.create_ssl_context()
