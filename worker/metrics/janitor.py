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
REMOVED = Counter(
    "avemotion_removed_total",
    "What the janitor removed: jobs, uploads, artifacts of a job, files; and why.",
    ["what", "reason"],
)
REMOVED_BYTES = Counter(
    "avemotion_removed_bytes_total", "Bytes of uploads and artifacts that made room.", ["what"]
)
STORED = Gauge("avemotion_stored_bytes", "Bytes of uploads and artifacts, as the rows know them.", ["what"])
REFUSED = Gauge(
    "avemotion_sweep_refused",
    "1 if the last sweep removed nothing, since storage and database seemed not to belong together.",
)
