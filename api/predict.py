"""``POST /predict``: start a job."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from api.access import owner_id
from api.parameters import parameter, read_wait
from api.polling import await_end, job_answer, job_state
from api.problems import InvalidRequestError
from api.responses import describe
from api.services import services
from api.submission import Submission, submit
from shared.schemas.jobs import JobDocument, JobRequest

blueprint = APIBlueprint("predict", __name__, abp_tags=[Tag(name="jobs")])

LONGEST_KEY = 255
WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?([^\s,;\"]+)", re.IGNORECASE)
HEADERS: dict[str, Any] = {
    "parameters": [
        parameter(
            "header",
            "Idempotency-Key",
            {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
            "A request that comes again with its key gives the same job.",
        ),
        parameter(
            "header",
            "Prefer",
            {"type": "string", "examples": ["wait=20"]},
            "`wait=S` waits up to S seconds for the end of the job.",
        ),
    ]
}


@blueprint.post(
    "/predict",
    responses=describe({200: JobDocument, 202: JobDocument}, 400, 404, 413, 422),
    openapi_extensions=HEADERS,
)
def predict(body: JobRequest) -> Response:
    """Start a job that scores a video, an audio file, or both; follow it at `Location`."""
    wait_s = preferred_wait(request.headers.get("Prefer", ""), services().settings.max_wait_s)
    job_id = submit(Submission(body, owner_id(), idempotency_key()), services())
    headers = [("Location", f"/jobs/{job_id}")]
    if wait_s is None:
        ended = job_state(job_id).ended
    else:
        ended = await_end(job_id, wait_s)
        headers.append(("Preference-Applied", f"wait={wait_s:g}"))
    return job_answer(job_id, status=200 if ended else 202, headers=headers)


def preferred_wait(header: str, longest_s: float) -> float | None:
    """Return the seconds that a Prefer header gets to wait; ``None`` if it asks for none.

    Raises:
        InvalidRequestError: It asks for something that is no number.
    """
    found = WAIT.search(header)
    return min(read_wait(found[1]), longest_s) if found else None


def idempotency_key() -> str | None:
    """Return the request's idempotency key, if it has one.

    Raises:
        InvalidRequestError: It cannot be kept.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None or (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        return key
    raise InvalidRequestError(
        [("Idempotency-Key", f"use between 1 and {LONGEST_KEY} characters that can be printed")]
    )
