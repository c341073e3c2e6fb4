"""The statements of the claim protocol (``worker/lease.py``).

Each is one change of the job and, joined to what that returns, one of its stages: the job is locked first,
and a stage that changed while the lock was waited for is looked at again as it is by then.

They are built once: to build one takes longer than to run it. Where no objects are wanted they are of the
tables, not of their classes: the ORM's part takes longer than the rest.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    JSON,
    ColumnElement,
    Float,
    Integer,
    Interval,
    Numeric,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    case,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import aliased
from sqlalchemy.sql.dml import ReturningUpdate

from shared.backlog import due
from shared.tables import Job, JobStatus, Segment, Stage, WorkStatus

# The same token for two claims would be the one harm of a forgotten claim; 2**31 is far away still.
LEAP = 2**16
FIRST_TOKEN = 1
"""Of a stage that is leased as soon as it is there: no crash can have made a claim of its forgotten."""


_JOBS, _STAGES = cast("Table", Job.__table__), cast("Table", Stage.__table__)
_JOB, _STAGE = _JOBS.c, _STAGES.c
_LEASE_UNTIL = func.now() + bindparam("lease_", type_=Interval)


def next_token(token: ColumnElement[int]) -> ColumnElement[int]:
    """Return a token above ``token`` that no other claim has, not even one that a crash made forgotten."""
    return token + 1 + cast_to(func.floor(func.random() * LEAP), Integer)


def _claim(owner: ColumnElement[bool], *stage: ColumnElement[bool]) -> Select[Any]:
    """Return the statement that begins a job of which a stage is ready, and leases that stage."""
    running = case(
        (_JOB.status == JobStatus.QUEUED, literal(JobStatus.RUNNING, _JOB.status.type)), else_=_JOB.status
    )
    begun = (
        update(_JOBS)
        .where(owner)
        .values(
            status=running,
            started_at=func.coalesce(_JOB.started_at, func.now()),
            stage=bindparam("stage_"),
            version=_JOB.version + 1,
        )
        .returning(_JOBS)
        .cte("begun")
    )
    leased = (
        update(_STAGES)
        .where(_STAGE.job_id == begun.c.id, *stage, _STAGE.status == WorkStatus.READY, due(_STAGE))
        .values(
            status=WorkStatus.LEASED,
            token=next_token(_STAGE.token),
            lease_until=_LEASE_UNTIL,
            not_before=None,
        )
        .returning(_STAGE.id, _STAGE.job_id, _STAGE.segment_id, _STAGE.token)
        .cte("leased")
    )
    row = (leased.c.id.label("stage_id"), leased.c.segment_id, leased.c.token)
    return select(aliased(Job, begun), *row).join(leased, leased.c.job_id == begun.c.id)


_INGEST = (_STAGE.job_id == bindparam("key_"), _STAGE.segment_id.is_(None), _STAGE.name == bindparam("name_"))
_OF_SEGMENT = (_STAGE.segment_id == bindparam("key_"), _STAGE.name == bindparam("name_"))
_JOB_OF_SEGMENT = select(Segment.job_id).where(Segment.id == bindparam("key_")).scalar_subquery()
CLAIM_INGEST = _claim(_JOB.id == bindparam("key_"), *_INGEST)
CLAIM = _claim(_JOB.id == _JOB_OF_SEGMENT, *_OF_SEGMENT)
INGEST_STATUS = select(_STAGE.status).where(*_INGEST)
STATUS = select(_STAGE.status).where(*_OF_SEGMENT)

_SECONDS = cast_to(_JOB.stage_seconds, JSONB)
_COUNT = (
    update(_JOBS)
    .where(_JOB.id == bindparam("job_"))
    .values(
        stages_done=_JOB.stages_done + 1,
        version=_JOB.version + 1,
        stage_seconds=cast_to(
            _SECONDS.concat(
                func.jsonb_build_object(
                    bindparam("done_", type_=Text),
                    func.round(
                        func.coalesce(cast_to(_SECONDS[bindparam("done_", type_=Text)].astext, Numeric), 0)
                        + cast_to(bindparam("seconds_", type_=Float), Numeric),
                        4,
                    ),
                )
            ),
            JSON,
        ),
    )
    .returning(_JOB.id)
)
_MINE = and_(_STAGE.id == bindparam("id_"), _STAGE.token == bindparam("token_"))
OWN_STATUS = select(_STAGE.status).where(_MINE)
_HELD = and_(_MINE, _STAGE.status == WorkStatus.LEASED)
_OUTPUT = bindparam("output_", type_=JSON)
_FOLLOWING = and_(*_OF_SEGMENT, _STAGE.status.in_((WorkStatus.WAITING, WorkStatus.READY)))
_STATE = _STAGE.status.type


class Then(Enum):
    """What becomes of the stage after one that ends."""

    NOTHING = "nothing"
    READY = "ready"
    LEASED = "leased"


def _either(ended: Any, following: Any) -> Any:
    return case((_MINE, ended), else_=following)


_END: dict[Then, tuple[ColumnElement[bool], dict[str, Any]]] = {
    Then.NOTHING: (_HELD, {"status": WorkStatus.DONE, "lease_until": null(), "output": _OUTPUT}),
    Then.READY: (
        or_(_HELD, _FOLLOWING),
        {
            "status": _either(literal(WorkStatus.DONE, _STATE), literal(WorkStatus.READY, _STATE)),
            "lease_until": null(),
            "published_at": _either(_STAGE.published_at, func.now()),
            "output": _either(_OUTPUT, _STAGE.output),
        },
    ),
    Then.LEASED: (
        or_(_HELD, _FOLLOWING),
        {
            "status": _either(literal(WorkStatus.DONE, _STATE), literal(WorkStatus.LEASED, _STATE)),
            "lease_until": _either(null(), _LEASE_UNTIL),
            "token": _either(_STAGE.token, next_token(_STAGE.token)),
            "not_before": _either(_STAGE.not_before, null()),
            "output": _either(_OUTPUT, _STAGE.output),
        },
    ),
}


@cache
def ending(then: Then, changed: frozenset[str]) -> ReturningUpdate[UUID, int]:
    """Return the statement that ends a stage, and counts it in its job, with changes of these columns."""
    changes = {name: bindparam(f"{name}_", type_=_JOB[name].type) for name in changed}
    counted = _COUNT.values(changes).cte("counted")
    which, values = _END[then]
    return (
        update(_STAGES)
        .where(_STAGE.job_id == counted.c.id, which)
        .values(values)
        .returning(_STAGE.id, _STAGE.token)
    )
