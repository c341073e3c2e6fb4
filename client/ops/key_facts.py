"""``avemotion ops keys show``: what an API key has made, and when."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Annotated

import typer
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from client.ops.database import in_database
from client.ops.leftovers import count_uploads
from client.ops.rotate import secret_before
from client.ops.words import age, moment, number, size
from client.render.text import printable
from shared.errors import AvemotionError, ErrorCode
from shared.keys import find_key
from shared.tables import ApiKey, Job, Upload

COLUMN = 10


@dataclass(frozen=True)
class Facts:
    """What there is of a key.

    Attributes:
        key: The key.
        jobs: Its jobs that are not erased, by state or error code, the most frequent first.
        uploads: How many uploads it has.
        upload_bytes: Their size.
        first_s: Seconds since the first of all that was made.
        last_s: Seconds since the last; None for both if there is nothing.
    """

    key: ApiKey
    jobs: dict[str, int]
    uploads: int
    upload_bytes: int
    first_s: float | None
    last_s: float | None


def show(key_id: Annotated[uuid.UUID, typer.Argument(metavar="ID", help="As `list` shows it.")]) -> None:
    """Show what a key has made, and when: jobs by state or error, uploads and their size."""
    for name, told in lines(in_database(lambda session: read_facts(session, key_id))):
        typer.echo(f"{name:<{COLUMN}} {told}")


def read_facts(session: Session, key_id: uuid.UUID) -> Facts:
    """Return what there is of a key, revoked or not.

    Raises:
        AvemotionError: There is no such key.
    """
    key = find_key(session, key_id)
    if key is None:
        raise AvemotionError(ErrorCode.NOT_FOUND, f"There is no key {key_id}; `ops keys list` shows them.")
    mine = (Job.owner_id == key_id) & Job.deleted_at.is_(None)
    word = func.coalesce(Job.error_code, Job.status)
    jobs = session.execute(
        select(word, func.count()).where(mine).group_by(word).order_by(func.count().desc())
    )
    spans = [
        session.execute(
            select(
                func.extract("epoch", func.now() - func.min(table.created_at)),
                func.extract("epoch", func.now() - func.max(table.created_at)),
            ).where(table.owner_id == key_id)
        ).one()
        for table in (Job, Upload)
    ]
    firsts = [float(first) for first, _ in spans if first is not None]
    lasts = [float(last) for _, last in spans if last is not None]
    return Facts(
        key,
        {str(row[0]): row[1] for row in jobs},
        *count_uploads(session, Upload.owner_id == key_id),
        max(firsts, default=None),
        min(lasts, default=None),
    )


def lines(facts: Facts) -> list[tuple[str, str]]:
    """Return facts in words, each with its name."""
    revoked_at, second = facts.key.revoked_at, secret_before(facts.key)
    state = "valid" if revoked_at is None else f"revoked at {moment(revoked_at)}"
    ago = "nothing" if facts.first_s is None else f"{age(facts.first_s)} ago"
    return [
        ("key", f"{facts.key.id}, {printable(facts.key.name)}"),
        ("state", ", ".join(filter(None, (state, f"made on {facts.key.created_at:%Y-%m-%d}", second)))),
        ("jobs", ", ".join(f"{count:,} {word}" for word, count in facts.jobs.items()) or "none"),
        ("uploads", f"{number(facts.uploads, 'upload')} ({size(facts.upload_bytes)})"),
        ("first made", ago),
        ("last made", ago if facts.last_s is None else f"{age(facts.last_s)} ago"),
    ]
