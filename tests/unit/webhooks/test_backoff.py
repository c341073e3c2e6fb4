"""When webhooks are tried again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.settings import Settings
from worker.webhooks.backoff import JITTER, pause_s, read_retry_after

SETTINGS = Settings()
DAY_S = 86_400


def test_tries_go_on_for_about_a_day() -> None:
    """The first comes after seconds, each after a longer pause, the last after a day or so."""
    pauses = [pause_s(tries, SETTINGS) for tries in range(1, SETTINGS.webhook_tries)]

    assert pauses[0] <= 5 * (1 + JITTER)
    assert 0.75 * DAY_S < sum(pauses) < 1.75 * DAY_S


@given(st.integers(1, 10_000), st.floats(0, 1e12) | st.none())
def test_pauses_are_bounded(tries: int, asked: float | None) -> None:
    """Whatever the receiver asks for and however often it failed, a pause is neither shorter nor longer."""
    pause = pause_s(tries, SETTINGS, asked)

    assert (1 - JITTER) * SETTINGS.webhook_backoff_s <= pause
    assert pause <= (1 + JITTER) * SETTINGS.webhook_longest_backoff_s


def test_a_receiver_may_ask_for_more_time() -> None:
    """Retry-After lengthens a pause, up to the longest, and never shortens it."""
    assert pause_s(1, SETTINGS, 600) == 600
    assert pause_s(1, SETTINGS, 1e9) == SETTINGS.webhook_longest_backoff_s
    assert pause_s(6, SETTINGS, 1) > 100


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("Thu, 01 Jan 1970 00:10:00 GMT", 500),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("١٢", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    """Both forms are understood, and what is neither is ignored."""
    assert read_retry_after(text, now_s=100) == seconds


@given(st.text())
def test_any_retry_after_is_survived(text: str) -> None:
    """No header makes the reading fail."""
    found = read_retry_after(text, now_s=100)
    assert found is None or found >= 0


def test_many_digits_are_a_long_time() -> None:
    """A number too long for a float's liking is taken for what it means."""
    found = read_retry_after("9" * 5000, now_s=0)
    assert found is not None
    assert found > DAY_S
