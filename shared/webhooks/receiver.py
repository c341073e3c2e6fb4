"""Receivers: the addresses that requests name for their webhooks, and which of them are taken.

They are judged twice by the same rules: when a request names one, so that its author learns of it, and
when a delivery connects, on the very address that it connects to. Only the second look protects anybody:
a name may lead elsewhere by then.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from shared.webhooks.addresses import IPAddress, Reach, address_of, reach_of

LONGEST_URL = 2048
LONGEST_HOST = 253
LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
HOST = re.compile(rf"{LABEL}(\.{LABEL})*\.?")
DEFAULT_PORTS = {"https": 443, "http": 80}
# Below it other services live than web servers.
FIRST_FREE_PORT = 1024
LAST_PORT = 65535


class ReceiverError(Exception):
    """An address that webhooks are not sent to; the message says why."""


@dataclass(frozen=True)
class Receiver:
    """An address that webhooks are sent to, taken apart.

    Attributes:
        url: The address as a client of HTTP normalises it.
        name: Host and port, as the header ``Host`` has them: those who share it are one receiver.
        host: Name, or IP address without brackets.
        port: Port.
        target: Path and query.
        is_plain: Whether it is reached without encryption.
    """

    url: str
    name: str
    host: str
    port: int
    target: bytes
    is_plain: bool


def read_receiver(url: str) -> Receiver:
    """Return the receiver at an address.

    Raises:
        ReceiverError: It is no address of a web server, or holds what it should not.
    """
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise ReceiverError("it is no URL") from error
    scheme, host = parts.scheme, parts.raw_host.decode("ascii")
    if scheme not in DEFAULT_PORTS:
        raise ReceiverError("it must begin with https://")
    if parts.userinfo:
        raise ReceiverError("it must not hold a user name or password; put a token into its path or query")
    if parts.fragment:
        raise ReceiverError("it must not hold a fragment (#)")
    if address_of(host) is None and (len(host) > LONGEST_HOST or not HOST.fullmatch(host)):
        raise ReceiverError("its host is neither a name nor an IP address")
    port = parts.port if parts.port is not None else DEFAULT_PORTS[scheme]
    if port not in DEFAULT_PORTS.values() and not FIRST_FREE_PORT <= port <= LAST_PORT:
        raise ReceiverError(f"its port must be 443, 80, or from {FIRST_FREE_PORT} to {LAST_PORT}")
    normal = str(parts)
    if len(normal) > LONGEST_URL:
        raise ReceiverError(f"it is longer than {LONGEST_URL} characters")
    return Receiver(normal, parts.netloc.decode("ascii"), host, port, parts.raw_path, scheme == "http")


def check_scheme(receiver: Receiver, *, allow_private: bool) -> None:
    """Refuse plain HTTP where nobody could be reached by it.

    Raises:
        ReceiverError: It is refused.
    """
    if receiver.is_plain and not allow_private:
        raise ReceiverError("it must begin with https://")


def check_addresses(receiver: Receiver, addresses: Sequence[IPAddress], *, allow_private: bool) -> None:
    """Refuse a receiver if one of the addresses that its host stands for is not allowed.

    Raises:
        ReceiverError: It is refused; the message names no address, which would tell strangers of a network.
    """
    reaches = {reach_of(address) for address in addresses}
    if Reach.NEVER in reaches:
        raise ReceiverError("its host leads to an address that is never called")
    if Reach.PRIVATE in reaches and not allow_private:
        raise ReceiverError(
            "its host leads to a private address; the operator may allow that with "
            "AVEMOTION_WEBHOOK_ALLOW_PRIVATE"
        )
    if Reach.PUBLIC in reaches and receiver.is_plain:
        raise ReceiverError("it must begin with https://: plain HTTP goes to private addresses only")


def resolve(receiver: Receiver) -> list[IPAddress]:
    """Return the addresses that a receiver's host stands for now, best first, each once.

    Raises:
        OSError: Nobody knows the name, or nobody could be asked.
    """
    try:
        found = socket.getaddrinfo(receiver.host, receiver.port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("the host is no name that can be looked up") from error
    # A zone (%eth0) only comes with addresses of the link, which are refused without it too.
    texts = dict.fromkeys(str(sockaddr[0]).partition("%")[0] for *_, sockaddr in found)
    return [address for text in texts if (address := address_of(text)) is not None]
