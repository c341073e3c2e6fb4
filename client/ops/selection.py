"""Which jobs a command of an operator is about."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer
from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import Session

from client.ops.words import read_age, read_job_id
from shared.errors import AvemotionError, ErrorCode
from shared.tables import Job

JobIds = Annotated[
    list[uuid.UUID] | None,
    typer.Argument(metavar="JOB", parser=read_job_id, help="Ids, as `ops jobs` shows them."),
]
OlderThan = Annotated[
    float | None,
    typer.Option(parser=read_age, metavar="AGE", help="Posted that long ago: 90s, 30m, 12h, 7d, 2w."),
]
Since = Annotated[
    float | None,
    typer.Option(parser=read_age, metavar="AGE", help="Made no longer ago than that: 90s, 30m, 12h, 7d, 2w."),
]
Owner = Annotated[
    uuid.UUID | None, typer.Option(metavar="KEY", help="Made with this API key; `ops keys list` shows ids.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, however many they are.")]


def read_code(text: str) -> str:
    """Return the code of an error that a job can have."""
    known = sorted(code.code for code in ErrorCode)
    if text not in known:
        raise typer.BadParameter(f"{text!r} is no error code; docs/errors.md lists them: {', '.join(known)}")
    return text


Code = Annotated[str | None, typer.Option(parser=read_code, metavar="CODE", help="Failed with this error.")]


def posted_before(age_s: float) -> ColumnElement[bool]:
    """Return the condition that a job was posted so many seconds ago or earlier."""
    return Job.created_at < func.now() - timedelta(seconds=age_s)


def posted_since(age_s: float) -> ColumnElement[bool]:
    """Return the condition that a job was posted so many seconds ago or later."""
    return Job.created_at >= func.now() - timedelta(seconds=age_s)


def ended_since(age_s: float) -> ColumnElement[bool]:
    """Return the condition that a job ended so many seconds ago or later."""
    return Job.finished_at >= func.now() - timedelta(seconds=age_s)


def read_moment(session: Session) -> ColumnElement[bool]:
    """Return the condition that a job was there before now: what comes meanwhile is left alone."""
    return Job.created_at <= session.scalars(func.now().select()).one()


def told_apart(ids: Sequence[uuid.UUID] | None, *, filters: dict[str, object]) -> list[uuid.UUID]:
    """Return the ids that were given, each once; ids and filters exclude each other.

    Args:
        ids: What was given.
        filters: Options by their names, with what was given.

    Raises:
        BadParameter: Neither was given, or both.
    """
    if bool(ids) == any(given not in {None, False, ()} for given in filters.values()):
        raise typer.BadParameter(f"say which jobs: by their ids, or by {' or '.join(filters)}, not by both")
    return list(dict.fromkeys(ids or ()))


def no_such_job(job_id: uuid.UUID) -> AvemotionError:
    """Return the error about a job that is not there."""
    return AvemotionError(
        ErrorCode.NOT_FOUND, f"There is no job {job_id}, or it has been erased; `ops jobs` lists them."
    )
