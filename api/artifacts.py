"""``/jobs/{id}/artifacts``: tables and pictures of a job."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from api.access import owner_id
from api.answers import PRIVATE, answer
from api.inventory import list_artifacts
from api.links import RESPONSE, redirect_to
from api.parameters import ArtifactPath, ArtifactQuery, JobPath
from api.rendering import PICTURES, Stored, joined_tables, not_kept, open_artifact
from api.responses import describe
from api.services import services
from shared.database import transact
from shared.schemas.artifacts import ArtifactList
from shared.storage import Show, Storage

blueprint = APIBlueprint("artifacts", __name__, abp_tags=[Tag(name="jobs")])

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "png": "image/png",
}
FILES: dict[str, Any] = {
    "text/csv": {"schema": {"type": "string"}},
    "application/json": {"schema": {"$ref": "#/components/schemas/JobDocument"}},
    "image/png": {"schema": {"type": "string", "format": "binary"}},
}
RESPONSES = describe({}, 404, 410) | {"200": {"description": "The file", "content": FILES}} | RESPONSE


@blueprint.get("/jobs/<uuid:job_id>/artifacts", responses=describe({200: ArtifactList}, 404))
def read_artifacts(path: JobPath) -> Response:
    """List the artifacts that are there, and which time of the media each picture shows."""
    owner = owner_id()
    found = transact(services().engine, lambda session: list_artifacts(session, path.job_id, owner))
    return answer(found)


@blueprint.get("/jobs/<uuid:job_id>/artifacts/<name>", responses=RESPONSES)
def read_artifact(path: ArtifactPath, query: ArtifactQuery) -> Response:
    """Return `faces.csv`, `timeline.csv`, `result.json`, `mel.png`, `mfcc.png` or `sequence.png`."""
    kit = services()
    content = open_artifact(path.job_id, path.name, query.segment, owner_id(), kit)
    file_name = f"{path.job_id}-{path.name}"
    if isinstance(content, Stored):
        return stored_answer(content.key, path.name, file_name, kit.storage)
    return file_answer(content, path.name, file_name)


def stored_answer(key: str, name: str, file_name: str, storage: Storage) -> Response:
    """Return a file of storage as ``file_answer`` does, or where it is.

    Raises:
        AvemotionError: It has been removed.
    """
    try:
        elsewhere = redirect_to(storage, key, show(name, file_name))
        if elsewhere is not None:
            return elsewhere
        # The first piece is read now: what is missing can still be said.
        content: Iterable[bytes] = [storage.read(key)] if name in PICTURES else joined_tables(storage, [key])
    except FileNotFoundError:
        raise not_kept() from None
    return file_answer(content, name, file_name)


def show(name: str, file_name: str) -> Show:
    """Return how a browser is to take an artifact."""
    kind = name.rsplit(".", 1)[-1]
    place = "inline" if kind == "png" else "attachment"
    return Show(TYPES[kind], f'{place}; filename="{file_name}"')


def file_answer(content: Iterable[bytes], name: str, file_name: str) -> Response:
    """Return ``content`` as a file; a picture may be shown, everything else is to be saved."""
    as_what = show(name, file_name)
    response = Response(content, content_type=as_what.content_type)
    response.headers["Content-Disposition"] = as_what.disposition
    response.headers["Cache-Control"] = PRIVATE
    return response
