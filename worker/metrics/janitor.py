"""What the janitor does."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

TAKEBACKS = Counter(
    "avemotion_takebacks_total", "Leases taken back from workers that died or froze, by stage.", ["stage"]
)
MESSAGES = Counter(
    "avemotion_janitor_messages_total",
    "Messages that the janitor sent: those never sent, and those that got lost.",
    ["reason"],
)
PUT_OFF = Counter(
    "avemotion_janitor_put_off_total", "Duties put off since a server was away, by duty.", ["duty"]
)
ROUND = Gauge("avemotion_janitor_round_timestamp_seconds", "When the janitor's last round ended, Unix time.")
