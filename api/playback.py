"""``/jobs/{id}/media``: a job's own clip, for players.

The bytes are a stranger's: whatever they are, a browser is told that they are media, that nothing in
them may run, and that no page of another site may show them.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wsgi import FileWrapper

from api.access import owner_id
from api.links import RESPONSE, redirect_to
from api.parameters import parameter
from api.polling import job_missing
from api.responses import describe
from api.services import Services, services
from shared.database import transact
from shared.errors import AvemotionError, ErrorCode
from shared.storage import Show
from shared.tables import Job, Upload, UploadKind, UploadState

blueprint = APIBlueprint("playback", __name__, abp_tags=[Tag(name="jobs")])

PIECE_BYTES = 256 * 1024
# A paused player leaves its answer unread, and with it one of the server's threads. Of a range without
# an end it gets so much: little enough to pass at once, and the player asks for more when it needs it.
OPEN_RANGE_BYTES = 2 * 1024 * 1024
OPEN_RANGE = re.compile(r"bytes=(\d{1,18})-")
# No copy of a face or a voice stays behind in the browser when the job is erased.
HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_BYTES: dict[str, Any] = {
    media: {"schema": {"type": "string", "format": "binary"}} for media in ("video/*", "audio/*")
}
_TEXT = {"type": "string"}
_VERSION = {
    "ETag": {"description": "Version of the bytes, for `If-Range`.", "required": True, "schema": _TEXT}
}
RESPONSES = describe({}, 404, 410, 416) | {
    "200": {"description": "The file", "content": _BYTES, "headers": _VERSION},
    "206": {
        "description": "The range; of one without an end, its start",
        "content": _BYTES,
        "headers": _VERSION
        | {"Content-Range": {"description": "Which range it is.", "required": True, "schema": _TEXT}},
    },
    "304": {"description": "Not Modified", "headers": _VERSION},
    **RESPONSE,
}
PARAMETERS: dict[str, Any] = {
    "parameters": [
        parameter("path", "job_id", {**_TEXT, "format": "uuid"}, "The job."),
        parameter("path", "kind", {**_TEXT, "enum": list(UploadKind)}, "Which of its files."),
        parameter("header", "Range", _TEXT, "One range of bytes."),
        parameter("header", "If-Range", _TEXT, "`ETag` of the bytes that are known; others are sent whole."),
        parameter("header", "If-None-Match", _TEXT, "`ETag` of the bytes that are known."),
    ],
}


@blueprint.get(
    "/jobs/<uuid:job_id>/media/<any(video,audio):kind>", responses=RESPONSES, openapi_extensions=PARAMETERS
)
def read_media() -> Response:
    """Return the clip that a job scored, or a range of its bytes, as long as the upload is kept."""
    kit = services()
    owner = owner_id()
    named = request.view_args or {}
    job_id, kind = named["job_id"], UploadKind(named["kind"])
    upload = transact(kit.engine, lambda session: find_upload(session, job_id, kind, owner))
    name = f"{job_id}-{kind.value}"
    try:
        elsewhere = redirect_to(kit.storage, upload.storage_key, show(upload, name))
    except FileNotFoundError:
        raise gone() from None
    return elsewhere or stream(upload, name, kit)


def find_upload(session: Session, job_id: UUID, kind: UploadKind, owner: UUID | None) -> Upload:
    """Return the upload that a job took as its video or audio.

    Raises:
        AvemotionError: There is no such job, it had no such media, or they are not kept any more.
    """
    job = session.get(Job, job_id)
    if job is None or job.owner_id != owner or job.deleted_at is not None:
        raise job_missing(job_id)
    upload_id = job.video_id if kind is UploadKind.VIDEO else job.audio_id
    if upload_id is None:
        # A row of a job loses the ids of uploads that are gone.
        had_picture = bool(job.media and job.media["width"])
        if (job.video_id is None and job.audio_id is None) or (kind is UploadKind.VIDEO and had_picture):
            raise gone()
        raise AvemotionError(ErrorCode.NOT_FOUND, f"No {kind.value} was uploaded for this job by itself.")
    kept = select(Upload).where(
        Upload.id == upload_id, Upload.state == UploadState.STORED, Upload.expires_at > func.now()
    )
    upload = session.scalar(kept)
    if upload is None:
        raise gone()
    session.expunge(upload)
    return upload


def show(upload: Upload, name: str) -> Show:
    """Return how a browser is to take an upload: as media, whatever else it may be."""
    return Show(upload.media_type, f'inline; filename="{name}"')


def stream(upload: Upload, name: str, kit: Services) -> Response:
    """Return the answer with an upload's bytes, or with the range of them that the request asks for.

    Raises:
        AvemotionError: The file is gone.
    """
    open_files = ExitStack()
    try:
        file = open_files.enter_context(kit.storage.reader(upload.storage_key))
    except FileNotFoundError:
        raise gone() from None
    as_what = show(upload, name)
    response = Response(FileWrapper(file, PIECE_BYTES), content_type=as_what.content_type, headers=HEADERS)
    response.call_on_close(open_files.close)
    response.headers["Content-Disposition"] = as_what.disposition
    size_bytes = upload.size_bytes or 0
    response.content_length = size_bytes
    response.set_etag(str(upload.sha256))
    environ = request.environ
    asked = OPEN_RANGE.fullmatch(environ.get("HTTP_RANGE", ""))
    if asked:
        last = int(asked[1]) + OPEN_RANGE_BYTES - 1
        environ = {**environ, "HTTP_RANGE": f"bytes={asked[1]}-{last}"}
    try:
        response.make_conditional(environ, accept_ranges=True, complete_length=size_bytes)
    except BaseException:
        response.close()
        raise
    return response


def gone() -> AvemotionError:
    """Return the error for media that were there once."""
    return AvemotionError(
        ErrorCode.MEDIA_MISSING,
        "The clip is not kept any more; the result of its job still is.",
    )
