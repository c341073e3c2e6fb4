"""Where in a clip the rules of a request hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from shared.schemas.rules import AFFECT

# Windows' times are rounded to a thousandth.
TOLERANCE_S = 0.002

Window = Mapping[str, Any]


def find_alerts(
    rules: Iterable[Mapping[str, Any]], windows: Sequence[Window], stride_s: float
) -> list[dict[str, Any]]:
    """Return the spans in which rules hold, by rule and then by time.

    A window without a score, or one that has not been scored yet, ends a span.

    Args:
        rules: As ``shared.schemas.rules.Rule`` has them.
        windows: As ``shared.schemas.jobs.WindowResult`` has them, in time order.
        stride_s: From the start of one window to that of the next.
    """
    found = []
    for number, rule in enumerate(rules):
        least = rule["over"] is not None
        for span in _spans(rule, windows, stride_s):
            start_s, end_s = span[0]["start_s"], max(window["end_s"] for window in span)
            if end_s - start_s + TOLERANCE_S < rule["for_s"]:
                continue
            levels = [level for window in span if (level := _level(window, rule["when"])) is not None]
            found.append(
                {
                    "rule": number,
                    "when": rule["when"],
                    "start_s": start_s,
                    "end_s": end_s,
                    "peak": max(levels) if least else min(levels),
                }
            )
    return found


def _spans(rule: Mapping[str, Any], windows: Iterable[Window], stride_s: float) -> Iterator[list[Window]]:
    """Yield the longest runs of windows that follow each other and for which a rule holds."""
    span: list[Window] = []
    for window in windows:
        if span and window["start_s"] - span[-1]["start_s"] > stride_s + TOLERANCE_S:
            yield span
            span = []
        if _holds(rule, window):
            span.append(window)
        elif span:
            yield span
            span = []
    if span:
        yield span


def _holds(rule: Mapping[str, Any], window: Window) -> bool:
    level = _level(window, rule["when"])
    if level is None:
        return False
    return bool(level > rule["over"] if rule["over"] is not None else level < rule["under"])


def _level(window: Window, when: str) -> float | None:
    """Return what a rule watches; None in a window without a score, or by a model that does not tell it."""
    if when in AFFECT:
        level: float | None = window[when]
        return level
    return (window["probabilities"] or {}).get(when)
