"""Where a webhook may go, by IP address.

Sources: IANA's registries of special-purpose IPv4 and IPv6 addresses, and the clouds' own pages on where
their metadata services answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

IPAddress = IPv4Address | IPv6Address


class Reach(Enum):
    """Whose an address is."""

    PUBLIC = "public"
    """Anybody's on the internet."""
    PRIVATE = "private"
    """This machine's or this network's: only where the operator allows it."""
    NEVER = "never"
    """No receiver's: metadata services, neighbours on the link, groups, and what is reserved."""


PRIVATE_4 = tuple(
    map(
        IPv4Network,
        ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15"),
    )
)
NEVER_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # This network; Linux takes 0.0.0.0 for loopback.
            "100.100.100.200/32",  # Metadata service of Alibaba Cloud.
            "168.63.129.16/32",  # The host's service in Azure, on a public address.
            "169.254.0.0/16",  # The link; metadata services of most clouds.
            "192.0.0.0/24",  # Protocol assignments; metadata service of Oracle Cloud.
            "192.0.2.0/24",  # Documentation, as the two below.
            "192.88.99.0/24",  # Relays of 6to4.
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",  # Groups.
            "240.0.0.0/4",  # Reserved, and broadcast.
        ),
    )
)
PRIVATE_6 = (IPv6Network("::1/128"), IPv6Network("fc00::/7"))
NEVER_6 = tuple(
    map(
        IPv6Network,
        (
            "fd00:ec2::254/128",  # Metadata service of AWS.
            "fd20:ce::254/128",  # Metadata service of Google Cloud.
            "2001::/23",  # Protocol assignments, with Teredo, which carries IPv4 inside.
            "2001:db8::/32",  # Documentation, as 3fff::/20.
            "2002::/16",  # 6to4, which carries IPv4 inside.
            "3fff::/20",
        ),
    )
)
PUBLIC_6 = IPv6Network("2000::/3")
# Networks without IPv4 reach every IPv4 address through this prefix: the address inside decides.
NAT64 = IPv6Network("64:ff9b::/96")


def reach_of(address: IPAddress) -> Reach:
    """Return whose an address is; one that carries an IPv4 address is judged by that."""
    if isinstance(address, IPv6Address):
        inside = address.ipv4_mapped
        if inside is None and address in NAT64:
            inside = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inside is None:
            return _reach_6(address)
        address = inside
    if _is_in(address, NEVER_4):
        return Reach.NEVER
    if _is_in(address, PRIVATE_4):
        return Reach.PRIVATE
    # The registries grow, and Python's copy of them with it.
    return Reach.PUBLIC if address.is_global else Reach.NEVER


def address_of(text: str) -> IPAddress | None:
    """Return the IP address that a host is written as; ``None`` for a name."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def _reach_6(address: IPv6Address) -> Reach:
    if _is_in(address, NEVER_6):
        return Reach.NEVER
    if _is_in(address, PRIVATE_6):
        return Reach.PRIVATE
    return Reach.PUBLIC if address in PUBLIC_6 and address.is_global else Reach.NEVER


def _is_in(address: IPAddress, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)
