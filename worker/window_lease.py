"""Batching by claiming: a model batch is whatever windows are ready, of any jobs.

Interactive windows come before bulk ones, and older before newer. A batch holds windows of one
model and one fusion. Windows whose worker was lost, or that failed before, are claimed with their
own segment only: one bad input must not take strangers down with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, func, select, tuple_, update
from sqlalchemy.orm import Session

from shared.backlog import due
from shared.settings import Settings
from shared.tables import Job, Prediction, Stage, StageName, WorkStatus
from worker.arrays import StoredArray
from worker.lease import next_token


@dataclass(frozen=True)
class WindowClaim:
    """The right to write one window's prediction, for as long as the token stands."""

    id: int
    token: int
    job_id: UUID
    segment_id: UUID
    index: int
    retries: int


@dataclass(frozen=True)
class BatchClaim:
    """Windows for one model batch, with where each segment's inputs lie."""

    model: str
    fusion: str
    windows: tuple[WindowClaim, ...]
    inputs: dict[UUID, dict[str, StoredArray]]


def claim_windows(session: Session, limit: int, lease_s: float) -> BatchClaim | None:
    """Claim up to ``limit`` windows; ``None`` when none is ready."""
    ready = (Prediction.status == WorkStatus.READY) & due(Prediction)
    order = (Prediction.rank, Prediction.id)
    rows = select(Prediction, Job.model, Job.fusion).join(Job, Job.id == Prediction.job_id).where(ready)
    head = session.execute(
        rows.order_by(*order).limit(1).with_for_update(of=Prediction, skip_locked=True)
    ).one_or_none()
    if head is None:
        return None
    first: Prediction = head[0]
    suspect = (Prediction.losses > 0) | (Prediction.retries > 0)
    company = (
        suspect & (Prediction.segment_id == first.segment_id) if first.losses or first.retries else ~suspect
    )
    ids = (
        select(Prediction.id)
        .join(Job, Job.id == Prediction.job_id)
        .where(ready, company, Job.model == head.model, Job.fusion == head.fusion)
    )
    chosen = session.scalars(
        ids.order_by(*order).limit(limit).with_for_update(of=Prediction, skip_locked=True)
    ).all()
    taken = session.execute(
        update(Prediction)
        .where(Prediction.id.in_(chosen))
        .values(
            status=WorkStatus.LEASED,
            token=next_token(cast("ColumnElement[int]", Prediction.token)),
            lease_until=func.now() + timedelta(seconds=lease_s),
            not_before=None,
        )
        .returning(
            Prediction.id,
            Prediction.token,
            Prediction.job_id,
            Prediction.segment_id,
            Prediction.index,
            Prediction.retries,
        )
    ).all()
    windows = tuple(sorted((WindowClaim(*row) for row in taken), key=lambda window: window.id))
    return BatchClaim(head.model, head.fusion, windows, _inputs(session, {w.segment_id for w in windows}))


def _inputs(session: Session, segments: Iterable[UUID]) -> dict[UUID, dict[str, StoredArray]]:
    fused = session.execute(
        select(Stage.segment_id, Stage.output).where(
            Stage.segment_id.in_(list(segments)), Stage.name == StageName.FUSION
        )
    )
    return {
        row.segment_id: {
            name: StoredArray.from_json(document) for name, document in row.output["inputs"].items()
        }
        for row in fused
    }


def held(windows: Sequence[WindowClaim]) -> ColumnElement[bool]:
    """Return the condition that a window is one of these and its claim still stands."""
    return tuple_(Prediction.id, Prediction.token).in_([(w.id, w.token) for w in windows]) & (
        Prediction.status == WorkStatus.LEASED
    )


def renew_windows(session: Session, windows: Sequence[WindowClaim], lease_s: float) -> bool:
    """Move the leases on; tell whether any of them still stood."""
    statement = (
        update(Prediction)
        .where(held(windows))
        .values(lease_until=func.now() + timedelta(seconds=lease_s))
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", session.execute(statement)).rowcount > 0


def standing(session: Session, windows: Sequence[WindowClaim]) -> set[int]:
    """Return the ids of those windows whose claims still stand, with their rows locked."""
    return set(session.scalars(select(Prediction.id).where(held(windows)).with_for_update()))


def give_back_windows(session: Session, windows: Sequence[WindowClaim], settings: Settings) -> None:
    """Return windows after a failure that may pass; they are woken again after a pause."""
    pause = timedelta(seconds=settings.retry_backoff_s * 2 ** max(window.retries for window in windows))
    session.execute(
        update(Prediction)
        .where(held(windows))
        .values(
            status=WorkStatus.READY,
            retries=Prediction.retries + 1,
            lease_until=None,
            not_before=func.now() + pause,
        )
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Stage)
        .where(
            Stage.segment_id.in_({window.segment_id for window in windows}),
            Stage.name == StageName.INFERENCE,
            Stage.status == WorkStatus.READY,
        )
        .values(not_before=func.now() + pause, published_at=None)
    )
