"""Whether webhooks can be sent where requests ask for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from api.problems import NAMED_FIELDS, FieldsError
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from shared.webhooks.addresses import IPAddress, address_of
from shared.webhooks.receiver import (
    Receiver,
    ReceiverError,
    check_addresses,
    check_scheme,
    read_receiver,
    resolve,
)

# What has not been looked up by then is judged when it is delivered, as all are.
LOOKUP_LIMIT_S = 2.0
MOST_LOOKUPS = 16


class Asked(NamedTuple):
    """An address that a request names, and the field that it stands in."""

    field: str
    url: str


def check_webhooks(asked: Sequence[Asked], settings: Settings) -> None:
    """Refuse addresses that webhooks are not sent to.

    A name that stands for no address now is taken: receivers come and go, and deliveries look again.

    Raises:
        AvemotionError: ``WEBHOOKS_OFF`` or ``WEBHOOK_REFUSED``, with every field that is wrong.
    """
    if not asked:
        return
    if settings.webhook_secret is None:
        raise AvemotionError(
            ErrorCode.WEBHOOKS_OFF,
            "This server signs no webhooks: its operator has to set AVEMOTION_WEBHOOK_SECRET. Leave "
            "webhook_url out and poll instead.",
        )
    faults = _faults_of({each.url for each in asked}, allow_private=settings.webhook_allow_private)
    errors = [(each.field, faults[each.url]) for each in asked if each.url in faults]
    if errors:
        named = "; ".join(f"{field}: {fault}" for field, fault in errors[:NAMED_FIELDS])
        raise FieldsError(ErrorCode.WEBHOOK_REFUSED, f"{named}.", errors)


def normalised(url: str | None) -> str | None:
    """Return an address that was checked in the form in which it is kept."""
    return None if url is None else read_receiver(url).url


def _faults_of(urls: Iterable[str], *, allow_private: bool) -> dict[str, str]:
    """Return what is wrong with each address that is refused."""
    faults: dict[str, str] = {}
    receivers: dict[str, Receiver] = {}
    for url in urls:
        try:
            receivers[url] = read_receiver(url)
            check_scheme(receivers[url], allow_private=allow_private)
        except ReceiverError as error:
            faults[url] = str(error)
    known = _look_up(receiver for url, receiver in receivers.items() if url not in faults)
    for url, receiver in receivers.items():
        try:
            check_addresses(receiver, known.get(receiver.host, ()), allow_private=allow_private)
        except ReceiverError as error:
            faults.setdefault(url, str(error))
    return faults


def _look_up(receivers: Iterable[Receiver]) -> dict[str, list[IPAddress]]:
    """Return by host the addresses that could be found in time."""
    hosts = {receiver.host: receiver for receiver in receivers}
    found = {host: [address] for host in hosts if (address := address_of(host)) is not None}

    def look_up(receiver: Receiver) -> None:
        try:
            found[receiver.host] = resolve(receiver)
        except OSError:
            return

    names = [receiver for host, receiver in hosts.items() if host not in found]
    # A look-up cannot be cut short, but a thread can be left alone with it.
    threads = [
        threading.Thread(target=look_up, args=(receiver,), daemon=True) for receiver in names[:MOST_LOOKUPS]
    ]
    give_up = time.monotonic() + LOOKUP_LIMIT_S
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, give_up - time.monotonic()))
    return found.copy()
