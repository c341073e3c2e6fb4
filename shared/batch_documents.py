"""How far batches have come: counts, rate and the time that is left, from one query."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from shared.documents import webhook_document
from shared.tables import ENDED, Batch, Job, JobStatus, Webhook

# The rate is that of the last minute.
RATE_SPAN_S = 60.0
# Less time than this says nothing of a rate.
LEAST_SPAN_S = 1.0
WORKED = (JobStatus.SUCCEEDED, JobStatus.FAILED)
PROGRESS_STEPS = 1000


class Group(NamedTuple):
    """Jobs of one batch that share state and error code."""

    batch_id: UUID
    status: JobStatus
    error_code: str | None
    jobs: int
    recent: int
    first_start: datetime | None
    last_end: datetime | None


def documents_of(
    session: Session, batches: Sequence[Batch], at: datetime | None = None
) -> list[dict[str, Any]]:
    """Return the documents of batches in the shape of ``shared.schemas.batches.BatchDocument``.

    Args:
        session: Reads the batches' jobs and webhooks.
        batches: Which.
        at: The time of which the rate is told; now if it is left out.
    """
    now = at or session.scalars(select(func.now())).one()
    ids = [batch.id for batch in batches]
    groups = read_groups(session, ids, now)
    webhooks = {
        row.batch_id: row for row in session.scalars(select(Webhook).where(Webhook.batch_id.in_(ids)))
    }
    return [document_of(batch, groups[batch.id], now, webhooks.get(batch.id)) for batch in batches]


def read_groups(session: Session, batch_ids: Sequence[UUID], now: datetime) -> dict[UUID, list[Group]]:
    """Return the jobs of batches in groups, read from the index ``ix_jobs_batch_counts`` alone."""
    groups: dict[UUID, list[Group]] = defaultdict(list)
    for group in map(Group._make, session.execute(groups_statement(batch_ids, now))):
        groups[group.batch_id].append(group)
    return groups


def groups_statement(batch_ids: Sequence[UUID], now: datetime) -> Select[*tuple[Any, ...]]:
    """Return the statement that counts jobs; its columns are those of ``Group``."""
    recent = Job.status.in_(WORKED) & (Job.finished_at > now - timedelta(seconds=RATE_SPAN_S))
    key = (Job.batch_id, Job.status, Job.error_code)
    return (
        select(
            *(*key, func.count(), func.count().filter(recent)),
            *(func.min(Job.started_at), func.max(Job.finished_at)),
        )
        .where(Job.batch_id.in_(batch_ids), Job.deleted_at.is_(None))
        .group_by(*key)
    )


def document_of(
    batch: Batch, groups: Sequence[Group], now: datetime, webhook: Webhook | None = None
) -> dict[str, Any]:
    """Return the document of a batch."""
    counts = {status: sum(group.jobs for group in groups if group.status is status) for status in JobStatus}
    total = sum(counts.values())
    ended = sum(counts[status] for status in ENDED)
    rate = rate_per_s(groups, now)
    finished_at = None
    if batch.closed_at is not None and ended == total:
        finished_at = max([batch.closed_at, *(group.last_end for group in groups if group.last_end)])
    errors: dict[str, int] = defaultdict(int)
    for group in groups:
        if group.status is JobStatus.FAILED and group.error_code is not None:
            errors[group.error_code] += group.jobs
    return {
        "batch_id": str(batch.id),
        "name": batch.name,
        "created_at": batch.created_at.isoformat(),
        "closed_at": batch.closed_at.isoformat() if batch.closed_at else None,
        "finished_at": finished_at.isoformat() if finished_at else None,
        "counts": {status.value: jobs for status, jobs in counts.items()} | {"total": total},
        # Rounded down: 1 means that all have ended.
        "progress": math.floor(ended / total * PROGRESS_STEPS) / PROGRESS_STEPS if total else 0.0,
        "rate_per_s": round(rate, 3),
        "eta_s": eta_s(total - ended, rate),
        "errors": dict(sorted(errors.items(), key=lambda item: (-item[1], item[0]))),
        "webhook": webhook_document(batch.webhook_url, webhook),
    }


def rate_per_s(groups: Sequence[Group], now: datetime) -> float:
    """Return how many jobs were scored, or failed, a second: over the last minute, or since the first began.

    Cancelled jobs do not count: they say nothing of the workers.
    """
    begun = [group.first_start for group in groups if group.first_start]
    if not begun:
        return 0.0
    span_s = min(RATE_SPAN_S, max(LEAST_SPAN_S, (now - min(begun)).total_seconds()))
    return sum(group.recent for group in groups) / span_s


def eta_s(left: int, rate: float) -> float | None:
    """Return the seconds that ``left`` jobs will take; ``None`` while none has ended lately."""
    if not left:
        return 0.0
    return round(left / rate, 1) if rate else None
