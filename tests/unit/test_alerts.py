from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from shared.alerts import find_alerts
from shared.schemas.rules import Alert, Rule


def windows(*levels: float | None, stride_s: float = 2.0, window_s: float = 2.0) -> list[dict[str, Any]]:
    """Return windows with these probabilities of anger, and arousals that are the negative of them."""
    return [
        {
            "start_s": number * stride_s,
            "end_s": number * stride_s + window_s,
            "probabilities": None if level is None else {"anger": level, "joy": 1 - level},
            "valence": None if level is None else 0.0,
            "arousal": None if level is None else -level,
        }
        for number, level in enumerate(levels)
    ]


def spans(rule: Rule, found: Sequence[dict[str, Any]], stride_s: float = 2.0) -> list[tuple[float, ...]]:
    alerts = [
        Alert.model_validate(alert) for alert in find_alerts([rule.model_dump()], list(found), stride_s)
    ]
    assert {(alert.rule, alert.when) for alert in alerts} <= {(0, rule.when)}
    return [(alert.start_s, alert.end_s, alert.peak) for alert in alerts]


def test_a_rule_finds_each_span_in_which_it_holds() -> None:
    """Windows that follow each other are one span; its peak is the highest level."""
    rule = Rule(when="anger", over=0.6)
    assert spans(rule, windows(0.7, 0.9, 0.1, 0.2, 0.8)) == [(0, 4, 0.9), (8, 10, 0.8)]


def test_a_level_at_the_bound_is_not_over_it() -> None:
    """Over is more than."""
    assert spans(Rule(when="anger", over=0.6), windows(0.6)) == []


@pytest.mark.parametrize(("for_s", "count"), [(2, 2), (4, 1), (4.001, 1), (5, 0)])
def test_what_is_shorter_than_asked_for_is_no_alert(for_s: float, count: int) -> None:
    """A span counts from the start of its first window to the end of its last."""
    rule = Rule(when="anger", over=0.6, for_s=for_s)
    assert len(spans(rule, windows(0.7, 0.9, 0.1, 0.8))) == count


def test_a_window_without_a_score_ends_a_span() -> None:
    """Where neither face nor voice was found, nobody knows whether a rule held."""
    assert spans(Rule(when="anger", over=0.6), windows(0.7, None, 0.8)) == [(0, 2, 0.7), (4, 6, 0.8)]


def test_a_window_that_is_not_scored_yet_ends_a_span() -> None:
    """While a job runs, spans are not joined over what is not known yet."""
    known = windows(0.7, 0.8, 0.9)
    del known[1]
    assert spans(Rule(when="anger", over=0.6), known) == [(0, 2, 0.7), (4, 6, 0.9)]


def test_what_the_model_does_not_tell_holds_never() -> None:
    """A model that was replaced after the request, and knows other emotions, makes no document fail."""
    assert spans(Rule(when="contempt", over=-1), windows(0.7)) == []


def test_windows_that_overlap_are_one_span() -> None:
    """Half a window's stride: each instant is covered twice, and told once."""
    found = windows(0.7, 0.8, 0.1, stride_s=1.0)
    assert spans(Rule(when="anger", over=0.6), found, 1.0) == [(0, 3, 0.8)]


def test_low_arousal_is_watched_too() -> None:
    """A tired driver: below a bound, and the peak is the lowest level."""
    rule = Rule(when="arousal", under=-0.5, for_s=4)
    assert spans(rule, windows(0.6, 0.9, 0.1)) == [(0, 4, -0.9)]


def test_rules_are_told_apart() -> None:
    """Alerts come by rule, then by time."""
    rules = [Rule(when=name, over=0.5).model_dump() for name in ("joy", "anger")]
    found = find_alerts(rules, windows(0.9, 0.1), 2.0)
    assert [(alert["rule"], alert["when"], alert["start_s"]) for alert in found] == [
        (0, "joy", 2), (1, "anger", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"when": "anger"},
        {"when": "anger", "over": 0.5, "under": 0.2},
        {"when": "anger", "over": 1.5},
        {"when": "anger", "over": "nan"},
        {"when": "anger", "over": 0.5, "for_s": -1},
        {"when": "", "over": 0.5},
        {"when": "anger", "over": 0.5, "forever": True},
    ],
)
def test_a_rule_that_says_nothing_is_refused(fields: dict[str, Any]) -> None:
    """One bound, within what levels can be; no word too many."""
    with pytest.raises(ValidationError):
        Rule.model_validate(fields)
