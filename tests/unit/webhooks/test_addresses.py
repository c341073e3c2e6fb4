"""Which IP addresses webhooks may go to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.webhooks.addresses import Reach, reach_of

PRIVATE = [
    *("10.0.0.0/8", "100.64.0.0/11", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15"),
    *("::1/128", "fc00::/8", "fd00::/16", "fd01::/16"),
]
NEVER = [
    *("0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
    *("224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32", "192.88.99.0/24"),
    *("::/128", "fe80::/10", "fec0::/10", "ff00::/8", "100::/64", "2001:db8::/32", "2002::/16", "2001::/32"),
    *("64:ff9b:1::/48", "3fff::/20", "4000::/2", "::/96"),
]
METADATA = [
    "169.254.169.254",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd20:ce::254",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"]
IPV4 = st.ip_addresses(v=4)


def within(network: str) -> st.SearchStrategy[IPv4Address | IPv6Address]:
    """Return addresses of a network, its first and last among them."""
    found = ip_network(network)
    return st.integers(int(found[0]), int(found[-1])).map(type(found[0]))


@given(st.data())
@pytest.mark.parametrize("network", PRIVATE)
def test_private_networks_need_leave(network: str, data: st.DataObject) -> None:
    """Loopback, the private networks, those behind carriers and of benchmarks are private."""
    address = data.draw(within(network))
    if str(address) not in METADATA:
        assert reach_of(address) is Reach.PRIVATE


@given(st.data())
@pytest.mark.parametrize("network", NEVER)
def test_what_is_no_receivers_is_never_called(network: str, data: st.DataObject) -> None:
    """Links, groups, reserved and documentation networks, and tunnels that hide IPv4, are never called."""
    address = data.draw(within(network))
    if address != ip_address("::1"):
        assert reach_of(address) is Reach.NEVER


@pytest.mark.parametrize("address", METADATA)
def test_metadata_services_are_never_called(address: str) -> None:
    """Where clouds hand out credentials nothing is sent, whatever is allowed."""
    assert reach_of(ip_address(address)) is Reach.NEVER


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called(address: str) -> None:
    """Addresses of the internet are public."""
    assert reach_of(ip_address(address)) is Reach.PUBLIC


@given(IPV4)
def test_hidden_addresses_are_judged_by_what_they_hide(address: IPv4Address) -> None:
    """An IPv4 address inside a mapped or a NAT64 address is what counts."""
    mapped = IPv6Address(f"::ffff:{address}")
    translated = IPv6Address(int(IPv6Address("64:ff9b::")) + int(address))

    assert reach_of(mapped) is reach_of(translated) is reach_of(address)


@given(st.ip_addresses())
def test_public_is_only_what_python_holds_to_be_global(address: IPv4Address | IPv6Address) -> None:
    """Nothing counts as public that Python's own copy of the registries does not call global."""
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if reach_of(address) is Reach.PUBLIC:
        assert address.is_global
        assert not address.is_multicast
