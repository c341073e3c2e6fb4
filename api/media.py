"""Uploads that jobs are going to use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from api.problems import FieldsError, InvalidRequestError
from shared.errors import ErrorCode
from shared.retrying import later
from shared.settings import Settings
from shared.tables import Upload, UploadKind, UploadState


class Wanted(NamedTuple):
    """An upload that a request names, and in which field."""

    field: str
    kind: UploadKind
    upload_id: UUID


def take_uploads(
    session: Session, wanted: Sequence[Wanted], owner_id: UUID | None, settings: Settings
) -> None:
    """Check the uploads that requests name, and let them live on for them.

    They stay locked until the transaction ends, so that nobody removes them meanwhile.

    Raises:
        AvemotionError: Some are not there, or are of the other kind.
    """
    rows = session.execute(
        select(Upload.id, Upload.kind)
        .where(
            Upload.id.in_({each.upload_id for each in wanted}),
            Upload.owner_id == owner_id,
            Upload.state == UploadState.STORED,
            Upload.expires_at > func.now(),
        )
        .order_by(Upload.id)
        .with_for_update()
    )
    kinds = {row.id: row.kind for row in rows}
    missing = [each for each in wanted if each.upload_id not in kinds]
    if missing:
        first, more = missing[0], len(missing) - 1
        raise FieldsError(
            ErrorCode.NOT_FOUND,
            f"There is no upload {first.upload_id} ({first.field}), or it has expired"
            + (f"; so it is with {more} more." if more else "."),
            [(each.field, "there is no such upload, or it has expired") for each in missing],
        )
    wrong = [
        (each.field, f"this upload came to /upload/{kind.value}; send it to /upload/{each.kind.value}")
        for each in wanted
        if (kind := kinds[each.upload_id]) is not each.kind
    ]
    if wrong:
        raise InvalidRequestError(wrong)
    session.execute(update(Upload).where(Upload.id.in_(kinds)).values(expires_at=later(settings)))
