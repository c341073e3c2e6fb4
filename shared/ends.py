"""Counting the ends of jobs where they happen, for Prometheus: rows of ended jobs are too many to count."""

from __future__ import annotations

from prometheus_client import Counter
from sqlalchemy import event
from sqlalchemy.orm import Session

from shared.tables import JobStatus

ENDED = Counter(
    "avemotion_jobs_ended_total",
    "Jobs that this process ended, by state and error code.",
    ["status", "code"],
)


def count_ends(session: Session, status: JobStatus, code: str | None, number: int = 1) -> None:
    """Count jobs that end in this transaction, once it is committed.

    Args:
        session: The transaction.
        status: How they end.
        code: Of the error, where there is one.
        number: How many.
    """

    def count(_session: Session) -> None:
        ENDED.labels(status.value, code or "").inc(number)

    if number:
        event.listen(session, "after_commit", count, once=True)
