"""The SQL that reads one job, written once by SQLAlchemy and run by psycopg."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import BindParameter, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql import ClauseElement

from shared.tables import Job, Prediction, Webhook, WorkStatus

# Nobody outside sees these.
HIDDEN = frozenset({"owner_id", "idempotency_key", "request_sha256", "deleted_at", "tidied_at"})
ENDED_WINDOW = (WorkStatus.DONE, WorkStatus.SKIPPED)


class WindowRow(NamedTuple):
    """What the document says of a window."""

    start_s: float
    end_s: float
    probabilities: dict[str, float] | None
    valence: float | None
    arousal: float | None
    modalities: list[str]
    face_coverage: float | None
    voice_activity: float | None


class WebhookRow(NamedTuple):
    """What the document says of a webhook; from JSON, with times as text."""

    id: str
    state: str
    attempts: int
    next_try_at: str
    last_try_at: str | None
    last_outcome: str | None
    last_status: int | None


def _sql(statement: ClauseElement) -> str:
    """Return a statement with ``$1`` for the job's id and ``$2`` for its owner's."""
    dialect = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy's
    return str(statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True}))


def _statements() -> tuple[str, str]:
    visible = (
        (Job.id == bindparam("job_id", None))
        & Job.owner_id.is_not_distinct_from(bindparam("owner_id", None))
        & Job.deleted_at.is_(None)
    )
    ended: BindParameter[WorkStatus] = bindparam("ended", ENDED_WINDOW, expanding=True, literal_execute=True)
    window = func.json_build_array(*(getattr(Prediction, name) for name in WindowRow._fields))
    windows = (
        select(func.json_agg(aggregate_order_by(window, Prediction.start_s)))
        .where(Prediction.job_id == Job.id, Prediction.status.in_(ended))
        .scalar_subquery()
    )
    webhook = (
        select(func.json_build_array(*(getattr(Webhook, name) for name in WebhookRow._fields)))
        .where(Webhook.job_id == Job.id)
        .scalar_subquery()
    )
    columns = [column for column in Job.__table__.columns if column.name not in HIDDEN]
    state = select(Job.version, Job.status).where(visible)
    snapshot = select(*columns, windows.label("windows"), webhook.label("webhook")).where(visible)
    return _sql(state), _sql(snapshot)


STATE_SQL, SNAPSHOT_SQL = _statements()
"""A job's version and status; and all that its document holds, its ended windows and webhook as arrays."""
