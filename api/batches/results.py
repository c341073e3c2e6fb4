"""The results of a batch, read some rows at a time.

Each page of rows is a short transaction that goes on after the last id, not one cursor that stays open: a
client that reads slowly holds neither a connection nor old rows, and a database that restarts in the
middle is waited for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Text, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.orm import Session

from api.batches.finding import find_batch
from api.batches.formats import FORMATS
from api.services import Services
from api.statements import ENDED_WINDOW
from shared.database import transact
from shared.rows import columns_of, row_of
from shared.tables import ENDED, Job, Prediction

# Some megabytes as Python objects.
PAGE_ROWS = 500
# For how long a stream waits for a database that is away.
PATIENCE_S = 10


def open_results(
    batch_id: UUID, format_name: str, owner_id: UUID | None, kit: Services, *, all_jobs: bool
) -> Iterable[bytes]:
    """Return the results of a batch as a file of a format, piece by piece.

    Args:
        batch_id: The batch.
        format_name: One of ``FORMATS``.
        owner_id: Whose it must be.
        kit: The services.
        all_jobs: Whether jobs that have not ended get a row.

    Raises:
        AvemotionError: There is no such batch.
    """

    def prepare(session: Session) -> list[str]:
        find_batch(session, batch_id, owner_id)
        return read_labels(session, batch_id)

    labels = transact(kit.engine, prepare)
    pages = read_pages(kit, batch_id, owner_id, all_jobs=all_jobs)
    # The first page is read now: what is wrong can still be said.
    first = next(pages, [])
    rows = (row_of(row, labels, row.modalities) for page in chain([first], pages) for row in page)
    return FORMATS[format_name](columns_of(labels), rows)


def read_labels(session: Session, batch_id: UUID) -> list[str]:
    """Return the labels of all models in a batch, in the order of the first job's."""
    text = cast(Job.model_info["labels"], Text)
    first_of_each = (
        select(Job.id, Job.model_info)
        .where(Job.batch_id == batch_id, Job.deleted_at.is_(None), text.is_not(None))
        .order_by(text, Job.id)
        .ext(distinct_on(text))
    )
    rows = sorted(session.execute(first_of_each), key=lambda row: row.id)
    return list(dict.fromkeys(label for row in rows for label in row.model_info["labels"]))


def read_pages(
    kit: Services, batch_id: UUID, owner_id: UUID | None, *, all_jobs: bool
) -> Iterator[Sequence[Row[Any]]]:
    """Yield pages of a batch's jobs in the order of their ids.

    Raises:
        AvemotionError: The batch has been erased: a stream that breaks off is not taken for a whole one.
    """
    page = page_statement(batch_id, all_jobs=all_jobs)

    def read(session: Session, statement: Select[Any]) -> Sequence[Row[Any]]:
        find_batch(session, batch_id, owner_id)
        return session.execute(statement).all()

    statement = page
    while rows := transact(kit.engine, lambda session: read(session, statement), patience_s=PATIENCE_S):  # noqa: B023 - run at once
        yield rows
        statement = page.where(Job.id > rows[-1].id)


def page_statement(batch_id: UUID, *, all_jobs: bool) -> Select[Any]:
    """Return the statement that reads a page of what ``row_of`` needs."""
    used = (
        select(func.unnest(Prediction.modalities).distinct())
        .where(Prediction.job_id == Job.id, Prediction.status.in_(ENDED_WINDOW))
        .scalar_subquery()
    )
    statement = (
        select(
            *(Job.id, Job.reference, Job.status, Job.error_code, Job.error_message, Job.model),
            *(Job.summary, Job.model_info, Job.media, Job.analyzer_info, Job.warnings),
            func.array(used, type_=ARRAY(Text)).label("modalities"),
        )
        .where(Job.batch_id == batch_id, Job.deleted_at.is_(None))
        .order_by(Job.id)
        .limit(PAGE_ROWS)
    )
    return statement if all_jobs else statement.where(Job.status.in_(ENDED))
