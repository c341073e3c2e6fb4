"""``/batches``: create, add jobs, follow, read results, close, cancel, erase."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from api.access import owner_id
from api.answers import answer
from api.artifacts import TYPES, file_answer
from api.batches import changes
from api.batches.intake import CHUNK_LIMIT_BYTES, add_chunk
from api.batches.reading import batch_answer, list_batches, polled_batch
from api.batches.results import open_results
from api.parameters import BatchPath, BatchQuery, ResultsPath, ResultsQuery, parameter
from api.responses import describe
from api.services import services
from shared.schemas.batches import BatchDocument, BatchPage, BatchRequest, ChunkDocument, ChunkRequest

blueprint = APIBlueprint("batches", __name__, abp_tags=[Tag(name="batches")])

POLLING: dict[str, Any] = {
    "parameters": [
        parameter("path", "batch_id", {"type": "string", "format": "uuid"}, "The batch."),
        parameter("header", "If-None-Match", {"type": "string"}, "`ETag` of the document that is known."),
    ]
}
TABLES = {
    "description": "One row a job, in the order in which the jobs were added.",
    "content": {
        TYPES["csv"].partition(";")[0]: {"schema": {"type": "string"}},
        TYPES["jsonl"]: {"schema": {"type": "string"}},
        TYPES["parquet"]: {"schema": {"type": "string", "format": "binary"}},
    },
}


@blueprint.before_request
def allow_chunks() -> None:
    """Let a chunk of jobs be larger than other requests."""
    if request.endpoint == f"{blueprint.name}.{add_jobs.__name__}":
        request.max_content_length = CHUNK_LIMIT_BYTES


@blueprint.post("/batches", responses=describe({201: BatchDocument}, 400, 413))
def create_batch(body: BatchRequest) -> Response:
    """Make a batch; then add jobs to it in chunks, and close it."""
    batch_id = changes.create_batch(body, owner_id(), services())
    return batch_answer(batch_id, status=201, headers=[("Location", f"/batches/{batch_id}")])


@blueprint.get("/batches", responses=describe({200: BatchPage}))
def read_batches(query: BatchQuery) -> Response:
    """List batches, newest first."""
    return answer(list_batches(owner_id(), query, services()))


@blueprint.get(
    "/batches/<uuid:batch_id>",
    responses=describe({200: BatchDocument, 304: None}, 404),
    openapi_extensions=POLLING,
)
def read_batch() -> Response:
    """Return how many jobs are in which state, how fast they end, and how long it will take.

    `Retry-After` says when to ask again; `ETag` and `If-None-Match` save the answer while nothing changed.
    """
    return polled_batch((request.view_args or {})["batch_id"])


@blueprint.post(
    "/batches/<uuid:batch_id>/jobs",
    responses=describe({202: ChunkDocument}, 400, 404, 409, 413),
)
def add_jobs(path: BatchPath, body: ChunkRequest) -> Response:
    """Add up to 1,000 jobs: all of them, or none if one is refused.

    A reference that the batch has already gives the job that it stands for, if the request is the same:
    a chunk whose answer was lost may be sent again. Missing uploads answer 404 and are all listed in
    `errors`. The body may be up to 8 MiB.
    """
    return answer(add_chunk(path.batch_id, body, owner_id(), services()), 202)


@blueprint.post("/batches/<uuid:batch_id>/close", responses=describe({200: BatchDocument}, 404))
def close_batch(path: BatchPath) -> Response:
    """Take no more jobs. Closing it again changes nothing."""
    changes.close_batch(path.batch_id, owner_id(), services())
    return batch_answer(path.batch_id)


@blueprint.post("/batches/<uuid:batch_id>/cancel", responses=describe({200: BatchDocument}, 404))
def cancel_batch(path: BatchPath) -> Response:
    """Cancel all jobs that have not ended; their workers notice within seconds."""
    changes.cancel_batch(path.batch_id, owner_id(), services())
    return batch_answer(path.batch_id)


@blueprint.delete("/batches/<uuid:batch_id>", responses=describe({204: None}, 404))
def delete_batch(path: BatchPath) -> Response:
    """Erase a batch and all its jobs: rows, artifacts, and media unless another job uses them.

    Nobody sees it from now on; files and rows go within minutes.
    """
    changes.erase_batch(path.batch_id, owner_id(), services())
    return Response(status=204)


@blueprint.get(
    "/batches/<uuid:batch_id>/results.<any(csv,jsonl,parquet):format>",
    responses=describe({}, 404) | {"200": TABLES},
)
def read_results(path: ResultsPath, query: ResultsQuery) -> Response:
    """Return the results as a table, while the batch runs and after; jobs that ended, unless `all` is set.

    The columns: `path` (the reference), `job_id`, `status`, `error_code`, `error_message`, `emotion`,
    `p_<label>` for each emotion, `valence`, `arousal`, `confidence`, `duration_s`, `faces_usable` (share of
    frames), `modalities` (joined by `+`), `model_id`, `trained`, `warnings` (codes joined by `;`).
    In CSV a text that a spreadsheet would take for a formula begins with `'`.
    """
    pieces = open_results(path.batch_id, path.format, owner_id(), services(), all_jobs=query.all)
    return file_answer(pieces, f"results.{path.format}", f"{path.batch_id}.{path.format}")
