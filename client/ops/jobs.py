"""``avemotion ops jobs``: the jobs of all owners, newest first."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console, RenderableType
from rich.text import Text
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from client.ops.selection import Code, OlderThan, Owner, Since, posted_before, posted_since
from client.ops.service import open_service
from client.ops.view import EVERY_S, AsJson, Every, Watch, new_table, print_json, show
from client.ops.words import age
from client.render.text import printable
from shared.database import transact
from shared.tables import Job, JobStatus, Prediction, Stage

STYLES = {"failed": "red", "running": "green", "cancelled": "dim"}


@dataclass(frozen=True)
class Line:
    """A job, as an operator sees it.

    Attributes:
        job_id: Its id.
        status: Where it stands.
        stage: The stage that was last begun; None before the first.
        age_s: Seconds since it was posted.
        attempt: 1, and one more for each new try by request.
        error_code: Of a failed job.
        losses: Workers that died, at most, holding one of its units of work.
        owner_id: API key that posted it; None where keys are off.
        batch_id: Its batch, if it has one.
        finished_at: When it ended.
    """

    job_id: uuid.UUID
    status: str
    stage: str | None
    age_s: float
    attempt: int
    error_code: str | None
    losses: int
    owner_id: uuid.UUID | None
    batch_id: uuid.UUID | None
    finished_at: datetime | None


def jobs(  # noqa: PLR0913 - options of the command line
    *,
    status: Annotated[list[JobStatus] | None, typer.Option(help="In this state; may be repeated.")] = None,
    code: Code = None,
    older_than: OlderThan = None,
    since: Since = None,
    owner: Owner = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
    watch: Watch = False,
    every: Every = EVERY_S,
    as_json: AsJson = False,
) -> None:
    """List jobs of all owners, newest first: id, state, stage, age, attempt, error, losses."""
    conditions: list[ColumnElement[bool]] = []
    if status:
        conditions.append(Job.status.in_(status))
    if code is not None:
        conditions.append(Job.error_code == code)
    if older_than is not None:
        conditions.append(posted_before(older_than))
    if since is not None:
        conditions.append(posted_since(since))
    if owner is not None:
        conditions.append(Job.owner_id == owner)
    with open_service() as service:

        def read() -> list[Line]:
            return transact(service.engine, lambda session: list_jobs(session, conditions, limit))

        if as_json:
            print_json([asdict(line) for line in read()])
        else:
            show(lambda console: screen(console, read(), limit), watch=watch, every_s=every)


def list_jobs(session: Session, conditions: Sequence[ColumnElement[bool]], limit: int) -> list[Line]:
    """Return the newest jobs that meet all conditions and are not being erased."""
    losses = (
        func.coalesce(
            select(func.max(table.losses)).where(table.job_id == Job.id).correlate(Job).scalar_subquery(), 0
        )
        for table in (Stage, Prediction)
    )
    rows = session.execute(
        select(
            *(Job.id, Job.status, Job.stage),
            func.extract("epoch", func.now() - Job.created_at),
            *(Job.attempt, Job.error_code, func.greatest(*losses)),
            *(Job.owner_id, Job.batch_id, Job.finished_at),
        )
        .where(Job.deleted_at.is_(None), *conditions)
        .order_by(Job.id.desc())
        .limit(limit)
    )
    return [Line(row[0], row[1].value, row[2], float(row[3]), *row[4:]) for row in rows]


def screen(console: Console, lines: Sequence[Line], limit: int) -> RenderableType:
    """Return jobs as a table."""
    if not lines:
        return Text("There are no such jobs.")
    table = new_table(console, ("job", "status", "stage", "age"), ("attempt",))
    table.add_column("error", no_wrap=True)
    table.add_column("losses", justify="right", no_wrap=True)
    for line in lines:
        table.add_row(
            str(line.job_id),
            Text(line.status, style=STYLES.get(line.status, "")),
            printable(line.stage or "-"),
            age(line.age_s),
            str(line.attempt),
            printable(line.error_code or "-"),
            str(line.losses),
        )
    if len(lines) == limit:
        table.caption = f"The newest {limit:,}; --limit shows more."
        table.caption_justify = "left"
    return table
