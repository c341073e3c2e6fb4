"""The rows of a job's segments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    Insert,
    Integer,
    Interval,
    Table,
    TableValuedAlias,
    Uuid,
    bindparam,
    case,
    column,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from shared.tables import Job, Prediction, Segment, Stage, StageName, WorkStatus
from worker.lease import Claim
from worker.lease_statements import FIRST_TOKEN
from worker.windows import SegmentPlan

# All rows of a job in one statement, however long it is. Built once: to build it takes longer than to run it.
_SEGMENTS, _STAGES, _WINDOWS = (cast("Table", each.__table__) for each in (Segment, Stage, Prediction))
_STATE = _STAGES.c.status.type
_SPAN = ("index", "start_s", "end_s")


def _lists(table: Table, *names: str) -> TableValuedAlias:
    """Return rows that are given as a list for each of these columns, named ``TABLE_COLUMN``."""
    kinds = {name: table.c[name].type for name in names}
    lists = (bindparam(f"{table.name}_{name}", type_=ARRAY(kind)) for name, kind in kinds.items())
    columns = (column(name, kind) for name, kind in kinds.items())
    return func.unnest(*lists).table_valued(*columns, name=f"new_{table.name}").render_derived()


def _insertion(table: Table, rows: TableValuedAlias, **others: ColumnElement[Any]) -> Insert:
    """Return the statement that inserts these rows, each of them with the other columns' values."""
    nothing_yet = {name: literal(0) for name in ("token", "losses", "retries") if name in table.c}
    given = {each.name: each for each in rows.c}
    values = {"job_id": bindparam("job_", type_=Uuid), **nothing_yet, **given, **others}
    return insert(table).from_select(list(values), select(*values.values()), include_defaults=False)


_NEW_STAGES = _lists(_STAGES, "id", "segment_id", "name", "status")
_LEASED = _NEW_STAGES.c.status == WorkStatus.LEASED
_INSERT = _insertion(
    _WINDOWS,
    _lists(_WINDOWS, "segment_id", *_SPAN),
    rank=bindparam("rank_", type_=Integer),
    status=literal(WorkStatus.WAITING, _STATE),
    modalities=literal([], _WINDOWS.c.modalities.type),
).add_cte(
    _insertion(_SEGMENTS, _lists(_SEGMENTS, "id", *_SPAN)).cte("inserted_segments"),
    _insertion(
        _STAGES,
        _NEW_STAGES,
        token=case((_LEASED, FIRST_TOKEN), else_=0),
        lease_until=case((_LEASED, func.now() + bindparam("lease_", type_=Interval))),
    ).cte("inserted_stages"),
)


class Cut(NamedTuple):
    """How a job is cut into segments.

    Attributes:
        plans: The segments and their windows, in order.
        stages: What each goes through, in order.
    """

    plans: Sequence[SegmentPlan]
    stages: tuple[StageName, ...]


def insert_segments(
    session: Session, job: Job, cut: Cut, lease_s: float | None = None
) -> tuple[list[Segment], Claim | None]:
    """Insert a job's segments, each with its stages, of which the first is ready, and its windows.

    Args:
        session: A transaction.
        job: It is locked.
        cut: What to insert.
        lease_s: For how long the very first stage is leased to this process, which goes on with it. ``None``
            makes it ready like the others.

    Returns:
        The segments, which no session knows, and the claim of the first stage if it is leased.
    """
    segments = [
        Segment(id=uuid7(), job_id=job.id, index=plan.index, start_s=plan.start_s, end_s=plan.end_s)
        for plan in cut.plans
    ]
    stages = [
        (uuid7(), segment.id, name, WorkStatus.WAITING if position else WorkStatus.READY)
        for segment in segments
        for position, name in enumerate(cut.stages)
    ]
    claimed = None
    if lease_s is not None:
        stage_id, segment_id, name, _ = stages[0]
        stages[0] = (stage_id, segment_id, name, WorkStatus.LEASED)
        claimed = Claim(stage_id, job.id, segment_id, name, FIRST_TOKEN)
    windows = [
        (segment.id, window.index, window.start_s, window.end_s)
        for segment, plan in zip(segments, cut.plans, strict=True)
        for window in plan.windows
    ]
    session.connection().execute(
        _INSERT,
        {
            "job_": job.id,
            "rank_": job.priority.rank,
            "lease_": None if lease_s is None else timedelta(seconds=lease_s),
            **_listed(_SEGMENTS, ("id", *_SPAN), [(s.id, s.index, s.start_s, s.end_s) for s in segments]),
            **_listed(_STAGES, ("id", "segment_id", "name", "status"), stages),
            **_listed(_WINDOWS, ("segment_id", *_SPAN), windows),
        },
    )
    return segments, claimed


def _listed(table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    lists = zip(*rows, strict=True)
    return {f"{table.name}_{name}": list(values) for name, values in zip(names, lists, strict=True)}
