"""Batching by claiming: a model batch is whatever windows are ready, of any jobs.

Interactive windows come before bulk ones, and older before newer. A batch holds windows of one
model and one fusion. Windows whose worker was lost, or that failed before, are claimed with their
own segment only: one bad input must not take strangers down with it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Integer,
    Interval,
    Table,
    bindparam,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from shared.backlog import due
from shared.settings import Settings
from shared.tables import Job, Prediction, Stage, StageName, WorkStatus
from worker.arrays import StoredArray
from worker.lease_statements import next_token


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


# Built once: to build a statement takes longer than to run it. Of tables where no objects are wanted.
_WINDOWS = cast("Table", Prediction.__table__)
_WINDOW, _JOB = _WINDOWS.c, cast("Table", Job.__table__).c
_READY = (_WINDOW.status == WorkStatus.READY) & due(_WINDOW)
_SUSPECT = (_WINDOW.losses > 0) | (_WINDOW.retries > 0)
_ORDER = (_WINDOW.rank, _WINDOW.id)
_HEAD = (
    select(_WINDOW.segment_id, _SUSPECT.label("suspect"), _JOB.model, _JOB.fusion)
    .join(Job, _JOB.id == _WINDOW.job_id)
    .where(_READY)
    .order_by(*_ORDER)
    .limit(1)
    .with_for_update(of=_WINDOWS, skip_locked=True)
)
_COMPANY = (
    select(_WINDOW.id)
    .join(Job, _JOB.id == _WINDOW.job_id)
    .where(_READY, _JOB.model == bindparam("model_"), _JOB.fusion == bindparam("fusion_"))
    .order_by(*_ORDER)
    .limit(bindparam("limit_", type_=Integer))
    .with_for_update(of=_WINDOWS, skip_locked=True)
)
_OF_THE_SEGMENT = _COMPANY.where(_SUSPECT, _WINDOW.segment_id == bindparam("segment_"))
_OF_ANY = _COMPANY.where(~_SUSPECT)
_TAKE = (
    update(_WINDOWS)
    .where(_WINDOW.id.in_(bindparam("chosen_", expanding=True)))
    .values(
        status=WorkStatus.LEASED,
        token=next_token(_WINDOW.token),
        lease_until=func.now() + bindparam("lease_", type_=Interval),
        not_before=None,
    )
    .returning(_WINDOW.id, _WINDOW.token, _WINDOW.job_id, _WINDOW.segment_id, _WINDOW.index, _WINDOW.retries)
)
_FUSED = select(Stage.segment_id, Stage.output).where(
    Stage.segment_id.in_(bindparam("segments_", expanding=True)), Stage.name == StageName.FUSION
)


def claim_windows(session: Session, limit: int, lease_s: float) -> BatchClaim | None:
    """Claim up to ``limit`` windows; ``None`` when none is ready."""
    connection = session.connection()
    head = connection.execute(_HEAD).one_or_none()
    if head is None:
        return None
    wanted = {"model_": head.model, "fusion_": head.fusion, "limit_": limit}
    if head.suspect:
        chosen = connection.scalars(_OF_THE_SEGMENT, {**wanted, "segment_": head.segment_id}).all()
    else:
        chosen = connection.scalars(_OF_ANY, wanted).all()
    taken = connection.execute(_TAKE, {"chosen_": chosen, "lease_": timedelta(seconds=lease_s)})
    windows = tuple(sorted((WindowClaim(*row) for row in taken), key=lambda window: window.id))
    return BatchClaim(head.model, head.fusion, windows, _inputs(session, {w.segment_id for w in windows}))


def _inputs(session: Session, segments: Collection[UUID]) -> dict[UUID, dict[str, StoredArray]]:
    return {
        segment_id: {name: StoredArray.from_json(document) for name, document in output["inputs"].items()}
        for segment_id, output in session.connection().execute(_FUSED, {"segments_": list(segments)})
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
