"""Connections to receivers: never too long, and only to where webhooks may go."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

import pytest
import trustme

from shared.tables import WebhookOutcome
from shared.webhooks.addresses import IPAddress
from shared.webhooks.receiver import Receiver as Parsed
from tests.integration.api.webhooks.tries import SHORT_S, attempt, event_to, leads_to
from tests.receiver import Receiver, dripping, held, running_receiver
from worker.webhooks import sending
from worker.webhooks.sending import Try

LOOPBACK = ip_address("127.0.0.1")


def test_silence_ends_in_a_timeout(receiver: Receiver) -> None:
    """A receiver that takes the event and never answers costs no more than the time of a try."""
    over = threading.Event()
    url = receiver.answers("/", held(over))

    assert attempt(event_to(url), limit_s=SHORT_S) == Try(WebhookOutcome.TIMEOUT)
    over.set()


def test_drops_do_not_lengthen_a_try(receiver: Receiver) -> None:
    """A byte now and then is no sign of life: the limit is on the whole."""
    over = threading.Event()
    url = receiver.answers("/", dripping(over))

    assert attempt(event_to(url), limit_s=SHORT_S) == Try(WebhookOutcome.TIMEOUT)
    over.set()


def test_nothing_is_sent_after_the_deadline(receiver: Receiver) -> None:
    """A try that begins too late, because a database or a look-up took long, sends nothing."""
    assert attempt(event_to(receiver.url()), limit_s=0) == Try(WebhookOutcome.TIMEOUT)
    assert receiver.taken() == []


def test_nobody_there() -> None:
    """A port that nobody listens on, and a name that nobody knows, are told apart."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert attempt(event_to(f"http://127.0.0.1:{port}/")) == Try(WebhookOutcome.UNREACHABLE)
    assert attempt(event_to("https://no-such-name.invalid/")) == Try(WebhookOutcome.UNKNOWN_HOST)


def test_answer_that_is_no_http() -> None:
    """Who answers in another language, or hangs up, is told from who is not there."""
    with socket.create_server(("127.0.0.1", 0)) as other:

        def speak() -> None:
            for words in (b"220 smtp.example.org\r\n", b""):
                connection, _ = other.accept()
                with connection:
                    connection.sendall(words)

        thread = threading.Thread(target=speak)
        thread.start()
        url = f"http://127.0.0.1:{other.getsockname()[1]}/"
        for _ in range(2):
            assert attempt(event_to(url)) == Try(WebhookOutcome.BROKEN_ANSWER)
        thread.join()


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["93.184.215.14", "127.0.0.1"],
    ],
)
def test_private_addresses_are_refused_at_delivery(receiver: Receiver, addresses: list[str]) -> None:
    """Where a name leads is judged on delivery again: nothing is connected to."""
    url = f"https://rebound.example:{receiver.port}/"

    tried = attempt(event_to(url), resolver=leads_to(*addresses), allow_private=False)

    assert tried == Try(WebhookOutcome.ADDRESS_REFUSED)
    assert receiver.taken() == []


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "0.0.0.0", "224.0.0.1"),  # noqa: S104 - not bound
        # The same, as C libraries read them.
        *("2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.16689662", "0"),
        # Inside of others.
        *("[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "[::a9fe:a9fe]", "[::]"),
        *("[fe80::1]", "[fd00:ec2::254]", "[64:ff9b:1::a9fe:a9fe]"),
    ],
)
def test_metadata_is_refused_even_where_private_is_allowed(address: str) -> None:
    """Leave for private addresses is none for the cloud's metadata, for any interface, or for groups."""
    assert attempt(event_to(f"http://{address}/")) == Try(WebhookOutcome.ADDRESS_REFUSED)


def test_a_name_is_looked_up_once(receiver: Receiver) -> None:
    """The address that was judged is connected to: a resolver that changes its answer gains nothing."""
    asked: list[str] = []

    def rebind(parsed: Parsed) -> Sequence[IPAddress]:
        asked.append(parsed.host)
        return [LOOPBACK] if len(asked) == 1 else [ip_address("169.254.169.254")]

    url = f"http://rebound.example:{receiver.port}/hook"

    assert attempt(event_to(url), resolver=rebind).outcome is WebhookOutcome.DELIVERED
    assert asked == ["rebound.example"]
    assert receiver.taken("/hook")[0].headers["host"] == f"rebound.example:{receiver.port}"


def test_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would connect to where it likes."""
    with running_receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())

        assert attempt(event_to(receiver.url())).outcome is WebhookOutcome.DELIVERED
        assert proxy.taken() == []


def test_next_address_is_tried(receiver: Receiver) -> None:
    """Where the first address of a name does not answer, the next one is called."""
    url = f"http://several.example:{receiver.port}/"

    # Nobody listens on the second loopback address: the server is bound to the first alone.
    tried = attempt(event_to(url), resolver=leads_to("127.0.0.2", "127.0.0.1"))

    assert tried.outcome is WebhookOutcome.DELIVERED


@pytest.fixture
def secure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver over TLS whose certificate is for one name, by an authority that this process trusts."""
    authority = trustme.CA()
    server, client = (ssl.SSLContext(p) for p in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT))
    authority.issue_cert("hooks.example").configure_cert(server)
    authority.configure_trust(client)
    monkeypatch.setattr(sending, "tls_context", lambda: client)
    with running_receiver(server) as running:
        yield running


def test_certificate_is_checked_by_name(secure: Receiver) -> None:
    """TLS goes by the receiver's name though an address is connected to; another name does not pass."""
    right, wrong = (secure.url("/", host) for host in ("hooks.example", "other.example"))

    assert attempt(event_to(right), resolver=leads_to("127.0.0.1")).outcome is WebhookOutcome.DELIVERED
    assert attempt(event_to(wrong), resolver=leads_to("127.0.0.1")) == Try(WebhookOutcome.TLS_FAILED)
    assert len(secure.taken()) == 1


def test_unknown_authority_is_refused(secure: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for is none."""
    monkeypatch.undo()

    tried = attempt(event_to(secure.url("/", "hooks.example")), resolver=leads_to("127.0.0.1"))

    assert tried == Try(WebhookOutcome.TLS_FAILED)
