"""Pages of jobs."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, select

from api.parameters import JobQuery
from api.problems import InvalidRequestError
from shared.database import transact
from shared.documents import job_document
from shared.tables import Job, Webhook


def list_jobs(engine: Engine, owner_id: UUID | None, query: JobQuery) -> dict[str, Any]:
    """Return one page of an owner's jobs, newest first.

    Raises:
        InvalidRequestError: The cursor is none of ours.
    """
    chosen = select(Job, Webhook).outerjoin(Webhook, Webhook.job_id == Job.id)
    chosen = chosen.where(Job.owner_id == owner_id, Job.deleted_at.is_(None))
    if query.status is not None:
        chosen = chosen.where(Job.status == query.status)
    if query.batch is not None:
        chosen = chosen.where(Job.batch_id == query.batch)
    if query.cursor is not None:
        chosen = chosen.where(Job.id < read_cursor(query.cursor))
    # One more than asked for tells whether there is a next page. Ids sort by time.
    page = chosen.order_by(Job.id.desc()).limit(query.limit + 1)
    rows = transact(engine, lambda session: session.execute(page).all())
    more = len(rows) > query.limit
    shown = rows[: query.limit]
    return {
        "jobs": [job_document(job, webhook=webhook) for job, webhook in shown],
        "next_cursor": write_cursor(shown[-1][0].id) if more else None,
    }


def write_cursor(job_id: UUID) -> str:
    """Return the cursor of the page after ``job_id``."""
    return urlsafe_b64encode(job_id.bytes).decode().rstrip("=")


def read_cursor(cursor: str) -> UUID:
    """Return the id that a cursor stands for.

    Raises:
        InvalidRequestError: It is none of ours.
    """
    try:
        return UUID(bytes=urlsafe_b64decode(cursor + "=="))
    except (ValueError, binascii.Error):
        raise InvalidRequestError([("cursor", "take it from next_cursor of the page before")]) from None
