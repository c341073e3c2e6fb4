"""One try against a real receiver: signed, judged by its status, and bounded."""

from __future__ import annotations

import pytest

from shared.tables import WebhookOutcome
from shared.webhooks.secrets import make_secret
from tests.integration.api.webhooks.conftest import SECRET
from tests.integration.api.webhooks.tries import attempt, event_to
from tests.receiver import Receiver, endless, status
from worker.webhooks.sending import Try


def test_event_arrives_signed(receiver: Receiver) -> None:
    """The library that receivers use takes the signature, and the body is the event."""
    event = event_to(receiver.url("/hook?token=1"))

    assert attempt(event) == Try(WebhookOutcome.DELIVERED, 204)

    [taken] = receiver.taken("/hook?token=1")
    assert taken.id == str(event.webhook_id)
    assert taken.verified(SECRET)["data"] == {"reference": "crème.mp4"}
    assert taken.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert taken.headers["content-type"] == "application/json"


def test_old_and_new_secrets_sign_at_once(receiver: Receiver) -> None:
    """While a secret is changed, receivers with either take the event."""
    new, other = make_secret(), make_secret()
    attempt(event_to(receiver.url()), f"{new} {SECRET}")

    [taken] = receiver.taken()
    assert taken.verified(new) == taken.verified(SECRET)
    with pytest.raises(Exception, match="No matching signature"):
        taken.verified(other)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (200, WebhookOutcome.DELIVERED),
        (299, WebhookOutcome.DELIVERED),
        (400, WebhookOutcome.REJECTED),
        (410, WebhookOutcome.GONE),
        (500, WebhookOutcome.REJECTED),
    ],
)
def test_the_status_decides(receiver: Receiver, code: int, outcome: WebhookOutcome) -> None:
    """Any 2xx is success; 410 is told from other refusals."""
    assert attempt(event_to(receiver.answers("/", status(code)))) == Try(outcome, code)


def test_receiver_asks_for_time(receiver: Receiver) -> None:
    """Retry-After comes back with the outcome."""
    url = receiver.answers("/", status(503, Retry_After="120"))

    assert attempt(event_to(url)) == Try(WebhookOutcome.REJECTED, 503, 120)


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_redirects_are_not_followed(receiver: Receiver, code: int) -> None:
    """A redirect is a failure; the place that it names hears nothing."""
    url = receiver.answers("/here", status(code, Location=receiver.url("/there")))

    assert attempt(event_to(url)) == Try(WebhookOutcome.REDIRECTED, code)
    assert receiver.taken("/there") == []


def test_endless_answer_is_cut_off(receiver: Receiver) -> None:
    """Of an answer that never ends a little is read; the status counts."""
    sent: list[int] = []
    url = receiver.answers("/", endless(sent))

    assert attempt(event_to(url)) == Try(WebhookOutcome.DELIVERED, 200)
    # What systems keep between two ends of a connection, not what a sender would send for ever.
    assert sum(sent) < 64 * 1024**2
