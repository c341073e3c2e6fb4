"""``/upload``: media come in."""

from __future__ import annotations

from typing import Any, cast

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from api.access import owner_id
from api.answers import answer
from api.bodies import FIELD, FORM_ROOM_BYTES, Body, media_pieces
from api.reception import receive, too_large
from api.requests import Request
from api.responses import describe
from api.services import services
from shared.schemas.uploads import UploadDocument
from shared.tables import UploadKind

blueprint = APIBlueprint("uploads", __name__, url_prefix="/upload", abp_tags=[Tag(name="uploads")])

FILE = {"type": "string", "format": "binary"}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {FIELD: FILE}, "required": [FIELD]}
            },
            "application/octet-stream": {"schema": FILE},
        },
    }
}
RESPONSES = describe({201: UploadDocument, 200: UploadDocument}, 400, 413, 415)


@blueprint.post("/video", responses=RESPONSES, openapi_extensions=BODY)
def upload_video() -> Response:
    """Store a video: 201, or 200 with the same upload if these very bytes are here already."""
    return take(UploadKind.VIDEO)


@blueprint.post("/audio", responses=RESPONSES, openapi_extensions=BODY)
def upload_audio() -> Response:
    """Store an audio file, or a video of which only the sound is wanted."""
    return take(UploadKind.AUDIO)


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
    return answer(document, 201 if is_new else 200)
