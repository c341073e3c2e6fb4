"""Which addresses requests may name for their webhooks."""

from __future__ import annotations

import contextlib
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.webhooks.receiver import ReceiverError, check_addresses, check_scheme, read_receiver

PUBLIC, PRIVATE, NEVER = map(ip_address, ("1.1.1.1", "10.0.0.1", "169.254.169.254"))


@pytest.mark.parametrize(
    ("url", "normal", "name", "port"),
    [
        ("https://Example.ORG:443/a?b=1", "https://example.org/a?b=1", "example.org", 443),
        ("https://example.org:8443", "https://example.org:8443", "example.org:8443", 8443),
        ("http://[::1]:8000/x", "http://[::1]:8000/x", "[::1]:8000", 8000),
        ("https://bücher.example/é", "https://xn--bcher-kva.example/%C3%A9", "xn--bcher-kva.example", 443),
    ],
)
def test_address_is_normalised(url: str, normal: str, name: str, port: int) -> None:
    """Ways to write one address become one, so that those who share a host are one receiver."""
    receiver = read_receiver(url)

    assert (receiver.url, receiver.name, receiver.port) == (normal, name, port)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "must begin with https"),
        ("example.org/hook", "must begin with https"),
        ("ftp://example.org/", "must begin with https"),
        ("file:///etc/passwd", "must begin with https"),
        ("gopher://example.org/", "must begin with https"),
        ("https://", "its host is neither"),
        ("https:///path", "its host is neither"),
        ("https://user:word@example.org/", "user name or password"),
        ("https://example.org#part", "fragment"),
        ("https://example.org:22/", "its port must be"),
        ("https://example.org:25/", "its port must be"),
        ("https://example.org:0/", "its port must be"),
        ("https://example.org:99999/", "its port must be"),
        ("https://exa mple.org/", "its host is neither"),
        ("https://%31%32%37.0.0.1/", "its host is neither"),
        ("https://a..b/", "its host is neither"),
        ("https://-a/", "its host is neither"),
        (f"https://{'a' * 64}/", "its host is neither"),
        (f"https://{'a.' * 130}/", "its host is neither"),
        ("https://example.org/\n", "no URL"),
        ("https://\ud800/", "no URL"),
        ("https://example.org:x/", "no URL"),
        (f"https://example.org/{'é' * 1000}", "longer than 2048"),
    ],
)
def test_what_is_no_receiver_is_refused(url: str, reason: str) -> None:
    """Other schemes, credentials, fragments, ports of other services and what is no host are told apart."""
    with pytest.raises(ReceiverError, match=reason):
        read_receiver(url)


@given(st.text() | st.text().map("https://{}/".format))
def test_any_text_is_a_receiver_or_refused(url: str) -> None:
    """No text makes the reading of an address fail in another way."""
    with contextlib.suppress(ReceiverError):
        read_receiver(url)


@pytest.mark.parametrize("allow_private", [False, True])
@pytest.mark.parametrize(
    ("addresses", "private_only"),
    [([PUBLIC, PRIVATE], True), ([PRIVATE], True), ([NEVER], False), ([PUBLIC, NEVER], False)],
)
def test_one_bad_address_is_enough(addresses: list[object], private_only: bool, allow_private: bool) -> None:
    """A name that stands for several addresses is refused for any of them; leave helps private ones alone."""
    receiver = read_receiver("https://example.org/")
    allowed = private_only and allow_private

    with contextlib.nullcontext() if allowed else pytest.raises(ReceiverError):
        check_addresses(receiver, addresses, allow_private=allow_private)  # type: ignore[arg-type]


def test_plain_http_goes_to_private_addresses_alone() -> None:
    """Without leave for private addresses plain HTTP is refused at once, with it for public ones."""
    plain = read_receiver("http://example.org/")

    with pytest.raises(ReceiverError, match="https"):
        check_scheme(plain, allow_private=False)
    check_scheme(plain, allow_private=True)
    check_addresses(plain, [PRIVATE], allow_private=True)
    with pytest.raises(ReceiverError, match="plain HTTP"):
        check_addresses(plain, [PUBLIC], allow_private=True)
