"""Janitors that deliver beside each other, die, and have other things to do."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from shared.tables import Stage, Webhook, WebhookState, WorkStatus
from tests.integration.api.conftest import Client
from tests.integration.api.webhooks.conftest import (
    SECRET,
    STOP_LIMIT_S,
    Begin,
    EndOf,
    Start,
    await_state,
    rows,
)
from tests.receiver import Receiver, held, status
from tests.servers import wait_until


def test_two_janitors_send_once(engine: Engine, receiver: Receiver, start: Start, ended: EndOf) -> None:
    """However many janitors look for work, each event comes once."""
    start()
    start()
    jobs = {ended(receiver.url("/hook")) for _ in range(30)}

    wait_until(lambda: all(row.state is WebhookState.DELIVERED for row in rows(engine)))

    told = [each.verified(SECRET)["data"]["job_id"] for each in receiver.taken("/hook")]
    assert sorted(told) == sorted(jobs)


def test_killed_janitor_loses_nothing(
    engine: Engine, client: Client, receiver: Receiver, start: Start, ended: EndOf
) -> None:
    """What a janitor was sending when it was killed is sent again by the next, under the same id."""
    over = threading.Event()
    job_id = ended(receiver.answers("/hook", held(over), status(204)))
    first = start()
    receiver.await_taken("/hook")
    first.kill()
    first.wait(STOP_LIMIT_S)
    over.set()
    start()
    # The lease is that of a try and some; a test need not wait for it.
    with engine.begin() as connection:
        connection.execute(update(Webhook).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))

    one, other = receiver.await_taken("/hook", 2)

    assert one.id == other.id
    assert await_state(client, job_id, "delivered")["attempts"] == 2


@pytest.mark.slow
def test_janitor_stops_in_the_middle_of_a_delivery(receiver: Receiver, start: Start, ended: EndOf) -> None:
    """Asked to stop while a receiver is slow, a janitor ends all the same."""
    over = threading.Event()
    ended(receiver.answers("/hook", held(over)))
    janitor = start(webhook_timeout_s=60)
    receiver.await_taken("/hook")

    janitor.terminate()

    assert janitor.wait(STOP_LIMIT_S) == 0
    over.set()


def test_slow_receivers_keep_nobody_waiting(
    engine: Engine, receiver: Receiver, start: Start, begin: Begin, ended: EndOf
) -> None:
    """While one receiver holds all that it is sent, others get theirs, and leases are taken back."""
    over = threading.Event()
    slow = receiver.answers("/slow", held(over)).replace("127.0.0.1", "localhost")
    for _ in range(10):
        ended(slow)
    begin(receiver.url())
    with engine.begin() as connection:
        past = datetime.now(UTC) - timedelta(minutes=1)
        open_stages = update(Stage).where(Stage.status == WorkStatus.READY)
        connection.execute(open_stages.values(status=WorkStatus.LEASED, lease_until=past))
    start(webhook_timeout_s=60)
    receiver.await_taken("/slow", 4)

    ended(receiver.url("/quick"))

    receiver.await_taken("/quick")
    wait_until(lambda: losses(engine) == 1)
    assert len(receiver.taken("/slow")) == 4
    over.set()


def losses(engine: Engine) -> int:
    """Return how often a stage was taken back."""
    with Session(engine) as session:
        return sum(session.scalars(select(Stage.losses)))
