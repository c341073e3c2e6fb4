"""``/upload``: media come in."""

from __future__ import annotations

from typing import Any, cast

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from api.access import owner_id
from api.answers import answer
from api.bodies import FIELD, FORM_ROOM_BYTES, Body, media_pieces
from api.metrics import count_upload
from api.parameters import ContentQuery
from api.reception import find_content, receive, too_large
from api.requests import Request
from api.responses import describe
from api.services import services
from shared.errors import AvemotionError, ErrorCode
from shared.schemas.uploads import UploadDocument
from shared.tables import UploadKind

blueprint = APIBlueprint("uploads", __name__, url_prefix="/upload", abp_tags=[Tag(name="uploads")])

# Types that are sent are not looked at: what it is shows in the bytes.
FILE = {"type": "string", "format": "binary"}
BODY: dict[str, Any] = {
    "requestBody": {
        "description": f"The file itself, or a form that has it in the field `{FIELD}`.",
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {FIELD: FILE}, "required": [FIELD]}
            },
            "application/octet-stream": {"schema": FILE},
        },
    }
}
RESPONSES = describe({201: UploadDocument, 200: UploadDocument}, 400, 413, 415, 507)
FOUND = describe({200: UploadDocument}, 404)


@blueprint.post("/video", responses=RESPONSES, openapi_extensions=BODY)
def upload_video() -> Response:
    """Store a video: 201, or 200 with the same upload if these very bytes are here already."""
    return take(UploadKind.VIDEO)


@blueprint.get("/video", responses=FOUND)
def find_video(query: ContentQuery) -> Response:
    """Return the video with these very bytes, which need not be sent again."""
    return find(UploadKind.VIDEO, query)


@blueprint.post("/audio", responses=RESPONSES, openapi_extensions=BODY)
def upload_audio() -> Response:
    """Store an audio file, or a video of which only the sound is wanted."""
    return take(UploadKind.AUDIO)


@blueprint.get("/audio", responses=FOUND)
def find_audio(query: ContentQuery) -> Response:
    """Return the audio file with these very bytes, which need not be sent again."""
    return find(UploadKind.AUDIO, query)


def take(kind: UploadKind) -> Response:
    """Store the body of this request.

    Raises:
        AvemotionError: It is not wanted or not whole.
    """
    kit, limit_bytes = services(), services().settings.max_upload_bytes
    boundary = request.mimetype_params.get("boundary")
    room_bytes = 0 if boundary is None else FORM_ROOM_BYTES
    if (request.content_length or 0) > limit_bytes + room_bytes:
        raise too_large(limit_bytes)
    pieces = media_pieces(Body(cast("Request", request)), request.mimetype, boundary)
    document, is_new = receive(pieces, kind, owner_id(), kit)
    count_upload(kind, document["size_bytes"])
    return answer(document, 201 if is_new else 200)


def find(kind: UploadKind, query: ContentQuery) -> Response:
    """Answer with the caller's upload of these bytes.

    Raises:
        AvemotionError: There is none.
    """
    document = find_content(kind, query.sha256, owner_id(), services())
    if document is None:
        raise AvemotionError(
            ErrorCode.NOT_FOUND, f"These bytes are not here; send them to /upload/{kind.value}."
        )
    return answer(document)
