"""``/jobs``: follow, list, cancel, retry, erase one or all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from api.access import owner_id
from api.answers import answer
from api.changes import cancel, erase, retry
from api.listing import list_jobs
from api.parameters import AllQuery, JobPath, JobQuery, parameter, read_wait
from api.polling import await_change, job_answer, polled_answer
from api.responses import describe
from api.services import services
from shared.erasure import hide_all_of
from shared.schemas.jobs import JobDocument, JobPage

blueprint = APIBlueprint("jobs", __name__, abp_tags=[Tag(name="jobs")])

# Described by hand: flask-openapi3 builds a JSON schema a request to check a query, and this is the
# request that is made most.
POLLING: dict[str, Any] = {
    "parameters": [
        parameter("path", "job_id", {"type": "string", "format": "uuid"}, "The job."),
        parameter(
            "query",
            "wait",
            {"type": "number", "minimum": 0},
            "Seconds to wait for a change from the version in `If-None-Match`, or for the end without it.",
        ),
        parameter("header", "If-None-Match", {"type": "string"}, "`ETag` of the version that is known."),
    ]
}


@blueprint.get(
    "/jobs/<uuid:job_id>",
    responses=describe({200: JobDocument, 304: None}, 404),
    openapi_extensions=POLLING,
)
def read_job() -> Response:
    """Return a job with its predictions so far, and its result once it has one.

    `Retry-After` says when to ask again; `ETag` and `If-None-Match` save the answer while nothing changed.
    """
    job_id: UUID = (request.view_args or {})["job_id"]
    if "wait" in request.args:
        await_change(job_id, read_wait(request.args["wait"]))
    return polled_answer(job_id)


@blueprint.get("/jobs", responses=describe({200: JobPage}))
def read_jobs(query: JobQuery) -> Response:
    """List jobs, newest first, without their windows."""
    return answer(list_jobs(services().engine, owner_id(), query))


@blueprint.post("/jobs/<uuid:job_id>/cancel", responses=describe({200: JobDocument}, 404, 409))
def cancel_job(path: JobPath) -> Response:
    """Cancel a job; its workers notice within seconds. Cancelling it again changes nothing."""
    cancel(path.job_id, owner_id(), services())
    return job_answer(path.job_id)


@blueprint.post("/jobs/<uuid:job_id>/retry", responses=describe({202: JobDocument}, 404, 409, 410))
def retry_job(path: JobPath) -> Response:
    """Begin a failed or cancelled job anew."""
    retry(path.job_id, owner_id(), services())
    return job_answer(path.job_id, status=202, headers=[("Location", f"/jobs/{path.job_id}")])


@blueprint.delete("/jobs/<uuid:job_id>", responses=describe({204: None}, 404))
def delete_job(path: JobPath) -> Response:
    """Erase a job: its rows, its artifacts, and its media unless another job uses them."""
    erase(path.job_id, owner_id(), services())
    return Response(status=204)


@blueprint.delete("/jobs", responses=describe({204: None}))
def delete_everything(query: AllQuery) -> Response:  # noqa: ARG001 - that it is there and true is checked already
    """Erase everything of the caller's: all jobs, batches and uploads; `all=true` has to be said.

    Work that is going on is stopped. Nobody sees any of it from now on; files and rows go within minutes. An
    answer that got lost may be asked for again.
    """
    hide_all_of(services().engine, owner_id(), services().settings)
    return Response(status=204)
