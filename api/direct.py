"""``/upload/{kind}/direct``: large files, sent by the client to the object store itself.

The store keeps such a file apart, under a ticket's id, and nothing believes anything of it: when the client
says that it is there, it is taken in like any other upload, read from the store instead of from a request.
A ticket is an upload's row that never becomes whole, so that the janitor removes those that nobody ends.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import IO, Any, cast
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from api.access import owner_id
from api.answers import answer
from api.bodies import PIECE_BYTES, incomplete
from api.parameters import DirectPath, TicketPath
from api.problems import InvalidRequestError
from api.quotas.room import check_room, coming_to, lock_room
from api.reception import find_content, receive, too_large
from api.responses import describe
from api.services import Services, services
from shared.database import transact
from shared.errors import AvemotionError, ErrorCode
from shared.schemas.uploads import DirectRequest, DirectTicket, UploadDocument
from shared.storage import incoming_key
from shared.tables import Upload, UploadKind, UploadState

blueprint = APIBlueprint("direct", __name__, url_prefix="/upload", abp_tags=[Tag(name="uploads")])

# Until the bytes have been looked at, nobody knows.
UNKNOWN = ""
# A PUT that begins by then may end later; the janitor waits longer for it.
LINK_S = 3600
TICKET_RESPONSES = describe({201: DirectTicket, 200: UploadDocument}, 400, 413, 422)
DONE_RESPONSES = describe({201: UploadDocument, 200: UploadDocument}, 400, 404, 413, 415)


@blueprint.post("/<any(video,audio):kind>/direct", responses=TICKET_RESPONSES)
def begin_direct(path: DirectPath, body: DirectRequest) -> Response:
    """Return where to PUT a large file, or 200 with the upload if these very bytes are here already."""
    kit, owner = services(), owner_id()
    least = kit.settings.s3_direct_bytes or 0
    if body.size_bytes > kit.settings.max_upload_bytes:
        raise too_large(kit.settings.max_upload_bytes)
    if body.size_bytes < least:
        message = f"files below {least} bytes are sent to /upload/{path.kind}"
        raise InvalidRequestError([("size_bytes", message)])
    known = find_content(path.kind, body.sha256, owner, kit)
    if known is not None:
        return answer(known)
    ticket = Upload(
        owner_id=owner,
        kind=path.kind,
        state=UploadState.RECEIVING,
        media_type=UNKNOWN,
        demuxer=UNKNOWN,
        size_bytes=body.size_bytes,
        sha256=body.sha256,
        expires_at=cast("Any", func.now() + timedelta(seconds=kit.settings.upload_ttl_s)),
    )
    ticket_id = transact(kit.engine, lambda session: _announce(session, ticket, kit))
    return answer(_describe(ticket_id, path.kind, body, kit), 201)


@blueprint.post("/<any(video,audio):kind>/direct/<uuid:ticket_id>/done", responses=DONE_RESPONSES)
def end_direct(path: TicketPath) -> Response:
    """Take in the file that was PUT: 201, or 200 with the upload that has the same bytes already."""
    kit, owner = services(), owner_id()
    wanted = select(Upload).where(
        Upload.id == path.ticket_id,
        Upload.owner_id == owner,
        Upload.kind == path.kind,
        Upload.state == UploadState.RECEIVING,
        Upload.media_type == UNKNOWN,
    )
    ticket = transact(kit.engine, lambda session: session.scalars(wanted).one_or_none())
    if ticket is None:
        raise AvemotionError(ErrorCode.NOT_FOUND, "There is no such ticket, or it was used already.")
    key = incoming_key(ticket.id)
    try:
        size_bytes = kit.storage.size(key)
    except FileNotFoundError:
        # The ticket stays good.
        raise AvemotionError(
            ErrorCode.UPLOAD_INCOMPLETE, "The file has not been sent to the store."
        ) from None
    try:
        if size_bytes != ticket.size_bytes:
            raise incomplete()
        with kit.storage.reader(key) as stream:
            document, is_new = receive(_pieces(stream, str(ticket.sha256)), ticket.kind, owner, kit)
    except AvemotionError:
        _drop(ticket.id, key, kit)
        raise
    _drop(ticket.id, key, kit)
    return answer(document, 201 if is_new else 200)


def _announce(session: Session, ticket: Upload, kit: Services) -> UUID:
    limit_bytes = lock_room(session, ticket.owner_id, kit.settings)
    if limit_bytes is not None:
        # Who has not begun when the link ends will not come: abandoned tickets take nobody's room.
        coming = coming_to(session, ticket.owner_id, LINK_S)
        check_room(session, ticket.owner_id, ticket.size_bytes or 0, limit_bytes, coming=coming)
    session.add(ticket)
    session.flush()
    return ticket.id


def _describe(ticket_id: UUID, kind: UploadKind, body: DirectRequest, kit: Services) -> dict[str, Any]:
    checksum = base64.b64encode(bytes.fromhex(body.sha256)).decode()
    link = kit.storage.upload_link(incoming_key(ticket_id), body.size_bytes, checksum, LINK_S)
    return DirectTicket(
        id=ticket_id,
        url=link,
        headers={"Content-Length": str(body.size_bytes), "x-amz-checksum-sha256": checksum},
        done=f"/upload/{kind.value}/direct/{ticket_id}/done",
        expires_s=LINK_S,
    ).model_dump(mode="json")


def _pieces(stream: IO[bytes], sha256: str) -> Iterator[bytes]:
    """Yield a file's bytes; at its end, before it is kept, complain if they are not those that were meant."""
    digest = hashlib.sha256()
    while piece := stream.read(PIECE_BYTES):
        digest.update(piece)
        yield piece
    if digest.hexdigest() != sha256:
        raise incomplete()


def _drop(ticket_id: UUID, key: str, kit: Services) -> None:
    """Remove a ticket and its file; the file first, so that the row outlives it."""
    kit.storage.delete(key)
    gone = delete(Upload).where(Upload.id == ticket_id, Upload.state == UploadState.RECEIVING)
    transact(kit.engine, lambda session: session.execute(gone))
