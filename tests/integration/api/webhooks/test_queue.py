"""The queue of webhooks: claims, leases, outcomes, and its operators' view."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from shared.database import transact
from shared.settings import Settings
from shared.tables import Webhook, WebhookOutcome, WebhookState
from shared.webhooks.care import list_webhooks, resend_webhooks
from tests.integration.api.conftest import Client
from tests.integration.api.webhooks.conftest import Begin, End, rows, version_of
from worker.webhooks.events import make_event
from worker.webhooks.queue import Claim, claim, find_due, settle
from worker.webhooks.sending import Try

URL = "https://{}.example/hook"
DELIVERED, REJECTED = Try(WebhookOutcome.DELIVERED, 204), Try(WebhookOutcome.REJECTED, 500)
PAST = datetime.now(UTC) - timedelta(hours=1)

MakeHooks = Callable[..., list[UUID]]
Take = Callable[[], list[Claim]]


@pytest.fixture
def hooks(engine: Engine, begin: Begin, end: End) -> MakeHooks:
    """Make webhooks of jobs that have ended, so many for one receiver; return their ids."""

    def make(name: str = "a", number: int = 1) -> list[UUID]:
        before = len(rows(engine))
        for _ in range(number):
            end(begin(URL.format(name)))
        return [row.id for row in rows(engine)[before:]]

    return make


@pytest.fixture
def take(engine: Engine, settings: Settings) -> Take:
    """Claim whatever is due, up to a few of each receiver."""

    def work() -> list[Claim]:
        found = transact(engine, lambda session: find_due(session, 4))
        ids = [each.webhook_id for each in found]
        return transact(engine, lambda session: claim(session, ids, settings))

    return work


def change(engine: Engine, **values: Any) -> None:
    """Change all webhooks as time would."""
    with engine.begin() as connection:
        connection.execute(update(Webhook).values(**values))


def conclude(engine: Engine, claimed: Claim, tried: Try, settings: Settings) -> bool:
    """Write an outcome down; tell whether the claim still stood."""
    return transact(engine, lambda session: settle(session, claimed, tried, settings))


def test_a_claim_excludes_others(engine: Engine, hooks: MakeHooks, settings: Settings) -> None:
    """Of two janitors that want the same webhooks at once, each gets what the other has not."""
    ids = hooks(number=3)
    with Session(engine) as first, Session(engine) as second:
        one = claim(first, ids[:2], settings)
        # The first has not committed: its rows are passed over, not waited for.
        other = claim(second, ids, settings)
        first.commit()
        second.commit()

    assert {each.webhook_id for each in one} == set(ids[:2])
    assert {each.webhook_id for each in other} == {ids[2]}
    assert transact(engine, lambda session: claim(session, ids, settings)) == []


def test_a_lease_that_ran_out_is_taken_over(
    engine: Engine, hooks: MakeHooks, take: Take, settings: Settings
) -> None:
    """What a janitor that died held is due again, and what it says later does not count."""
    hooks()
    [lost] = take()
    assert take() == []

    change(engine, lease_until=PAST)
    [taken] = take()

    assert taken.webhook_id == lost.webhook_id
    assert not conclude(engine, lost, REJECTED, settings)
    assert conclude(engine, taken, DELIVERED, settings)
    assert rows(engine)[0].state is WebhookState.DELIVERED


def test_oldest_of_each_receiver_are_due(engine: Engine, hooks: MakeHooks) -> None:
    """However many wait for one receiver, the others' are found too."""
    hooks("a", 6)
    hooks("b", 1)
    hooks("c", 3)

    found = transact(engine, lambda session: find_due(session, 2))

    assert sorted(each.receiver for each in found) == [f"{name}.example" for name in "aabcc"]


def test_outcome_is_shown(
    engine: Engine, client: Client, hooks: MakeHooks, take: Take, settings: Settings
) -> None:
    """A failure is written down with the next try, changes the document's ETag, and waits for its time."""
    hooks()
    [taken] = take()
    path, before = f"/jobs/{taken.job_id}", version_of(engine, str(taken.job_id))
    tag = client.get(path).headers["ETag"]

    conclude(engine, taken, REJECTED, settings)

    assert version_of(engine, str(taken.job_id)) == before + 1
    shown = client.get(path, headers={"If-None-Match": tag}).json["webhook"]
    assert (shown["state"], shown["attempts"], shown["last_outcome"], shown["last_status"]) == (
        "pending",
        1,
        "rejected",
        500,
    )
    assert shown["next_try_at"] > shown["last_try_at"]
    change(engine, next_try_at=datetime.now(UTC) + timedelta(hours=1))
    assert take() == []


def test_after_the_last_try_it_is_given_up(
    engine: Engine, client: Client, hooks: MakeHooks, take: Take, settings: Settings
) -> None:
    """Given up it stays visible, with how often and how it failed, and is tried no more."""
    hooks()
    for _ in range(settings.webhook_tries):
        change(engine, next_try_at=PAST)
        [taken] = take()
        conclude(engine, taken, REJECTED, settings)
    change(engine, next_try_at=PAST)

    assert take() == []
    shown = client.get(f"/jobs/{taken.job_id}").json["webhook"]
    assert (shown["state"], shown["attempts"], shown["next_try_at"]) == (
        "failed",
        settings.webhook_tries,
        None,
    )


def test_410_is_the_last_word(engine: Engine, hooks: MakeHooks, take: Take, settings: Settings) -> None:
    """A receiver that is gone is not tried again."""
    hooks()
    [taken] = take()

    conclude(engine, taken, Try(WebhookOutcome.GONE, 410), settings)

    assert rows(engine)[0].state is WebhookState.FAILED


def test_a_job_that_kills_its_janitors_is_claimed_no_more_than_allowed(
    engine: Engine, hooks: MakeHooks, take: Take, settings: Settings
) -> None:
    """Tries that never ended count too: the claim after the last says so by its number."""
    hooks()
    for _ in range(settings.webhook_tries):
        [lost] = take()
        change(engine, lease_until=PAST)

    assert lost.tries == settings.webhook_tries
    assert take()[0].tries > settings.webhook_tries


def test_operator_sends_again(engine: Engine, hooks: MakeHooks, take: Take, settings: Settings) -> None:
    """What was given up or delivered may be sent again under its id with all its tries; the rest stays."""
    ids = hooks(number=3)
    for claimed, tried in zip(
        sorted(take(), key=lambda each: ids.index(each.webhook_id)),
        (DELIVERED, Try(WebhookOutcome.GONE, 410), REJECTED),
        strict=True,
    ):
        conclude(engine, claimed, tried, settings)
    failed = transact(engine, lambda session: list_webhooks(session, WebhookState.FAILED, 10))
    assert [row.id for row in failed] == [ids[1]]

    assert transact(engine, lambda session: resend_webhooks(session, None)) == 1
    assert transact(engine, lambda session: resend_webhooks(session, ids[0])) == 1
    assert transact(engine, lambda session: resend_webhooks(session, ids[2])) == 0

    again = take()
    assert {each.webhook_id for each in again} == set(ids[:2])
    assert {each.tries for each in again} == {1}


def test_erased_job_has_no_event(
    engine: Engine, client: Client, hooks: MakeHooks, take: Take, settings: Settings
) -> None:
    """A job that is erased between the claim and the sending is not told of."""
    hooks()
    [taken] = take()
    client.delete(f"/jobs/{taken.job_id}")

    assert transact(engine, lambda session: make_event(session, taken)) is None
    assert not conclude(engine, taken, DELIVERED, settings)


def test_metrics_count_tries_and_what_is_left(
    engine: Engine, client: Client, hooks: MakeHooks, take: Take, settings: Settings
) -> None:
    """Operators see what is not delivered, and how tries ended, over all janitors."""
    hooks(number=3)
    one, two, _ = take()
    conclude(engine, one, DELIVERED, settings)
    conclude(engine, two, Try(WebhookOutcome.GONE, 410), settings)

    lines = client.get("/metrics").text.splitlines()

    assert 'avemotion_webhooks{state="pending"} 1.0' in lines
    assert 'avemotion_webhooks{state="failed"} 1.0' in lines
    assert 'avemotion_webhook_tries_total{outcome="delivered"} 1.0' in lines
    assert 'avemotion_webhook_tries_total{outcome="gone"} 1.0' in lines
    assert 'avemotion_webhook_tries_total{outcome="timeout"} 0.0' in lines
