"""When a webhook is tried again."""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime

from shared.settings import Settings

GROWTH = 3
# Webhooks that failed together must not come again together.
JITTER = 0.2


def pause_s(tries: int, settings: Settings, retry_after_s: float | None = None) -> float:
    """Return the seconds between a try and the next.

    Args:
        tries: How many there have been.
        settings: The first and the longest pause.
        retry_after_s: What the receiver asked for; a shorter time than ours does not count.
    """
    longest_s = settings.webhook_longest_backoff_s
    # Beyond that many the longest pause is reached, whatever the settings.
    grown_s = settings.webhook_backoff_s * GROWTH ** min(tries - 1, 64)
    own_s: float = min(grown_s, longest_s) * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
    return max(own_s, min(retry_after_s or 0.0, longest_s))


def read_retry_after(text: str, now_s: float) -> float | None:
    """Return the seconds that a header ``Retry-After`` asks to wait from ``now_s``; ``None`` without one.

    Args:
        text: Seconds, or a date.
        now_s: The time since the epoch.
    """
    if text.isascii() and text.isdigit():
        # More digits than a number may have here are as good as many.
        return float(text[:18])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_s)
    except (ValueError, OverflowError):
        return None
