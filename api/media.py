"""Uploads that a job is going to use."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.problems import InvalidRequestError
from shared.errors import AvemotionError, ErrorCode
from shared.settings import Settings
from shared.tables import Upload, UploadKind, UploadState


def take_uploads(
    session: Session, wanted: dict[UploadKind, UUID], owner_id: UUID | None, settings: Settings
) -> None:
    """Check the uploads that a job names, and let them live on for it.

    They stay locked until the transaction ends, so that nobody removes them meanwhile.

    Raises:
        AvemotionError: One is not there, or is of the other kind.
    """
    found = {
        upload.id: upload
        for upload in session.scalars(
            select(Upload)
            .where(
                Upload.id.in_(wanted.values()),
                Upload.owner_id == owner_id,
                Upload.state == UploadState.STORED,
                Upload.expires_at > func.now(),
            )
            .order_by(Upload.id)
            .with_for_update()
        )
    }
    for kind, upload_id in wanted.items():
        upload = found.get(upload_id)
        if upload is None:
            raise AvemotionError(
                ErrorCode.NOT_FOUND, f"There is no upload {upload_id} ({kind.value}_id), or it has expired."
            )
        if upload.kind is not kind:
            message = f"this upload came to /upload/{upload.kind.value}; send it to /upload/{kind.value}"
            raise InvalidRequestError([(f"{kind.value}_id", message)])
        keep_longer(upload, settings)


def keep_longer(upload: Upload, settings: Settings) -> None:
    """Count a locked upload's time from now on."""
    later = func.greatest(Upload.expires_at, func.now() + timedelta(seconds=settings.upload_ttl_s))
    upload.expires_at = cast("Any", later)
