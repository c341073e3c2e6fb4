"""Whose webhooks are sent first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from worker.webhooks.queue import Due
from worker.webhooks.turns import Turns

START = datetime(2026, 1, 1, tzinfo=UTC)


def due(receiver: str, number: int = 1, age_s: float = 0) -> list[Due]:
    """Return webhooks of a receiver, of which the first is the oldest."""
    return [Due(uuid4(), receiver, START + timedelta(seconds=place - age_s)) for place in range(number)]


def names(chosen: list[Due]) -> list[str]:
    """Return whose turn it is."""
    return [each.receiver for each in chosen]


def test_a_receiver_gets_a_few_at_a_time() -> None:
    """However many wait for it and however many places are free."""
    turns = Turns(places=10, per_receiver=2)

    assert names(turns.choose(due("a", 5))) == ["a", "a"]
    turns.begin("a")
    assert names(turns.choose(due("a", 5))) == ["a"]


def test_the_oldest_come_first() -> None:
    """Among receivers that answer, webhooks go by their age."""
    turns = Turns(places=2, per_receiver=2)

    assert names(turns.choose([*due("young"), *due("old", age_s=9), *due("middle", age_s=5)])) == [
        "old",
        "middle",
    ]


def test_those_that_fail_keep_nobody_waiting() -> None:
    """Receivers whose last try failed come last and share half of the places, however old their webhooks."""
    turns = Turns(places=4, per_receiver=4)
    for name in ("dead", "slow"):
        turns.begin(name)
        turns.end(name, failed=True)

    waiting = [*due("dead", 4, age_s=99), *due("slow", 4, age_s=98)]
    assert len(turns.choose(waiting)) == 2
    assert names(turns.choose([*waiting, *due("good", 3)])) == ["good", "good", "good", "dead"]

    turns.begin("dead")
    turns.begin("dead")
    assert turns.choose(waiting) == []
    assert names(turns.choose([*waiting, *due("good")])) == ["good"]


def test_one_that_answers_again_is_as_all_others() -> None:
    """A delivery ends the time of being last."""
    turns = Turns(places=2, per_receiver=2)
    turns.begin("a")
    turns.end("a", failed=True)
    assert len(turns.choose(due("a", 2))) == 1

    turns.begin("a")
    turns.end("a", failed=False)
    assert len(turns.choose(due("a", 2))) == 2


def test_one_place_serves_those_that_fail_too() -> None:
    """With a single place nobody is locked out for good."""
    turns = Turns(places=1, per_receiver=1)
    turns.begin("a")
    turns.end("a", failed=True)

    assert names(turns.choose(due("a"))) == ["a"]
