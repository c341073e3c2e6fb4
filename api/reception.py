"""Taking an upload in: checked by its first bytes, hashed on its way to storage, kept once.

The row comes first, then the file under a key made from the row's id, then the row says that it is
whole. A crash leaves a row that says ``receiving``, by which the janitor finds the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from api.bodies import incomplete
from api.quotas.room import Room, check_room, find_room, lock_room
from api.recognition import recognise
from api.services import Services
from shared.database import transact
from shared.errors import AvemotionError, ErrorCode
from shared.retrying import keep_longer
from shared.schemas.uploads import UploadDocument
from shared.sniff import HEAD_BYTES
from shared.storage import Storage
from shared.tables import ENDED, Job, Upload, UploadKind, UploadState

# Equal uploads that end at the same moment: one row wins, the others find it on their next try.
TRIES = 5


@dataclass(frozen=True)
class Content:
    """What was stored."""

    sha256: str
    size_bytes: int


def receive(
    pieces: Iterator[bytes], kind: UploadKind, owner_id: UUID | None, to: Services
) -> tuple[dict[str, Any], bool]:
    """Store an upload; return its document, and whether it is new.

    Raises:
        AvemotionError: It is not wanted or not whole; nothing of it is kept.
    """
    head, rest = split_head(pieces)
    media_type = recognise(head, kind)
    upload = Upload(
        owner_id=owner_id,
        kind=kind,
        state=UploadState.RECEIVING,
        media_type=media_type.mime,
        demuxer=media_type.demuxer,
    )
    upload_id, room = transact(to.engine, lambda session: _announce(session, upload, to))
    key = f"uploads/{upload_id}"
    try:
        content = store(to.storage, key, chain([head], rest), to.settings.max_upload_bytes, room)
        document = settle(upload_id, owner_id, content, to)
    except BaseException:
        # What cannot be removed now the janitor removes: the row says that it never became whole.
        with suppress(OSError, SQLAlchemyError):
            discard(upload_id, key, to)
        raise
    is_new = document["id"] == str(upload_id)
    if not is_new:
        discard(upload_id, key, to)
    return document, is_new


def split_head(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return enough of the start to recognise it by, and an iterator over what follows."""
    head = b""
    while len(head) < HEAD_BYTES and (piece := next(pieces, None)) is not None:
        head += piece
    return head, pieces


def store(
    storage: Storage, key: str, pieces: Iterator[bytes], limit_bytes: int, room: Room | None = None
) -> Content:
    """Write pieces to storage as they come.

    Args:
        storage: Where to.
        key: Its name there.
        pieces: The file.
        limit_bytes: Largest file that is taken from anybody.
        room: How much more its owner may keep; ``None``: no limit.

    Raises:
        AvemotionError: There are more of them than allowed.
    """
    digest, size = hashlib.sha256(), 0
    with storage.writer(key) as stream:
        for piece in pieces:
            size += len(piece)
            if size > limit_bytes:
                raise too_large(limit_bytes)
            if room is not None:
                room.check_known(size)
            digest.update(piece)
            stream.write(piece)
    return Content(digest.hexdigest(), size)


def too_large(limit_bytes: int) -> AvemotionError:
    """Return the error for an upload over the limit."""
    return AvemotionError(
        ErrorCode.MEDIA_TOO_LARGE, f"The upload is larger than the {limit_bytes} bytes that are allowed."
    )


def settle(upload_id: UUID, owner_id: UUID | None, content: Content, to: Services) -> dict[str, Any]:
    """Make a stored file the upload, or return the upload that has the same bytes already.

    Raises:
        AvemotionError: Its owner may not keep it.
    """

    def work(session: Session) -> dict[str, Any]:
        # First, so that of two uploads that end at once the later one counts the other.
        limit_bytes = lock_room(session, owner_id, to.settings)
        return _settle(session, upload_id, content, limit_bytes, to)

    for _ in range(TRIES):
        try:
            return transact(to.engine, work)
        except IntegrityError:
            continue
    raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, "The same bytes keep coming in; try again soon.")


def find_content(kind: UploadKind, sha256: str, owner_id: UUID | None, to: Services) -> dict[str, Any] | None:
    """Return the document of an owner's upload of these bytes; ``None`` if there is none to be used."""
    wanted = _stored(kind, sha256, owner_id).where(Upload.expires_at > func.now())
    upload = transact(to.engine, lambda session: session.scalars(wanted).one_or_none())
    if upload is None or not to.storage.exists(upload.storage_key):
        return None
    return _describe(upload)


def discard(upload_id: UUID, key: str, to: Services) -> None:
    """Remove a file that is not needed, and its row; the file first, so that the row outlives it."""
    to.storage.delete(key)
    gone = delete(Upload).where(Upload.id == upload_id)
    transact(to.engine, lambda session: session.execute(gone))


def _announce(session: Session, upload: Upload, to: Services) -> tuple[UUID, Room | None]:
    upload.expires_at = cast("Any", func.now() + timedelta(seconds=to.settings.upload_ttl_s))
    session.add(upload)
    session.flush()
    return upload.id, find_room(session, upload.owner_id, upload.kind, to.settings)


def _settle(
    session: Session, upload_id: UUID, content: Content, limit_bytes: int | None, to: Services
) -> dict[str, Any]:
    mine = session.get(Upload, upload_id, with_for_update=True)
    if mine is None:
        # It took so long that the janitor gave it up.
        raise incomplete()
    same = session.scalars(_stored(mine.kind, content.sha256, mine.owner_id).with_for_update()).one_or_none()
    if same is not None and to.storage.exists(same.storage_key):
        if limit_bytes is not None and _has_expired(session, same):
            check_room(session, mine.owner_id, content.size_bytes, limit_bytes)
        keep_longer(same, to.settings)
        return _document(session, same)
    if same is not None:
        # Its file is gone; this one takes its place, also for the jobs that wait for it.
        for column in (Job.video_id, Job.audio_id):
            waiting = update(Job).where(column == same.id, Job.status.not_in(ENDED))
            session.execute(waiting.values({column: mine.id}).execution_options(synchronize_session=False))
        session.delete(same)
        session.flush()
    if limit_bytes is not None:
        check_room(session, mine.owner_id, content.size_bytes, limit_bytes)
    mine.sha256, mine.size_bytes = content.sha256, content.size_bytes
    mine.state = UploadState.STORED
    keep_longer(mine, to.settings)
    return _document(session, mine)


def _has_expired(session: Session, upload: Upload) -> bool:
    return not session.scalar(select(Upload.expires_at > func.now()).where(Upload.id == upload.id))


def _stored(kind: UploadKind, sha256: str, owner_id: UUID | None) -> Select[Upload]:
    return select(Upload).where(
        Upload.owner_id == owner_id,
        Upload.kind == kind,
        Upload.sha256 == sha256,
        Upload.state == UploadState.STORED,
    )


def _document(session: Session, upload: Upload) -> dict[str, Any]:
    session.flush()
    session.refresh(upload)
    return _describe(upload)


def _describe(upload: Upload) -> dict[str, Any]:
    return UploadDocument.model_validate(upload, from_attributes=True).model_dump(mode="json")
