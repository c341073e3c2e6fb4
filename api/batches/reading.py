"""Answers about batches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from flask import Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.access import owner_id
from api.answers import PRIVATE, answer_json, encode
from api.batches.finding import find_batch
from api.listing import read_cursor, write_cursor
from api.parameters import BatchQuery
from api.polling import has_tag
from api.services import Services, services
from shared.batch_documents import documents_of
from shared.database import transact
from shared.tables import Batch

# A batch goes on for minutes or hours.
RETRY_AFTER_S = "2"
TAG_LETTERS = 32
Headers = list[tuple[str, str]]


def batch_answer(batch_id: UUID, *, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Return the document of a batch.

    Raises:
        AvemotionError: There is no such batch.
    """
    body, state = read_batch(batch_id)
    return answer_json(body, status, [*headers, *state])


def polled_batch(batch_id: UUID) -> Response:
    """Return the document of a batch, or 304 without one if the client has it already.

    Raises:
        AvemotionError: There is no such batch.
    """
    body, state = read_batch(batch_id)
    known = request.headers.get("If-None-Match")
    if known is not None and has_tag(known, dict(state)["ETag"]):
        return Response(status=304, headers=[*state, ("Cache-Control", PRIVATE)])
    return answer_json(body, headers=state)


def read_batch(batch_id: UUID) -> tuple[bytes, Headers]:
    """Return the document of a batch as JSON, and the headers that go with it.

    Raises:
        AvemotionError: There is no such batch.
    """
    [document] = transact(
        services().engine,
        lambda session: documents_of(session, [find_batch(session, batch_id, owner_id())]),
    )
    body = encode(document).encode()
    # Of the document itself: its rate changes even while its jobs do not.
    headers = [("ETag", f'"{hashlib.sha256(body).hexdigest()[:TAG_LETTERS]}"')]
    if document["finished_at"] is None:
        headers.append(("Retry-After", RETRY_AFTER_S))
    return body, headers


def list_batches(owner: UUID | None, query: BatchQuery, to: Services) -> dict[str, Any]:
    """Return one page of an owner's batches, newest first.

    Raises:
        InvalidRequestError: The cursor is none of ours.
    """
    chosen = select(Batch).where(Batch.owner_id == owner, Batch.deleted_at.is_(None))
    if query.cursor is not None:
        chosen = chosen.where(Batch.id < read_cursor(query.cursor))
    # One more than asked for tells whether there is a next page. Ids sort by time.
    page = chosen.order_by(Batch.id.desc()).limit(query.limit + 1)

    def work(session: Session) -> dict[str, Any]:
        batches = session.scalars(page).all()
        shown = batches[: query.limit]
        more = len(batches) > query.limit
        return {
            "batches": documents_of(session, shown),
            "next_cursor": write_cursor(shown[-1].id) if more else None,
        }

    return transact(to.engine, work)
