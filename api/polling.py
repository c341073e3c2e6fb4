"""Conditional answers about one job: what has not changed is not sent again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from flask import Response, request

from api.access import owner_id
from api.answers import PRIVATE, answer_json
from api.reading import JobReader, JobState, Snapshot
from api.services import services
from shared.errors import AvemotionError, ErrorCode

RETRY_AFTER_S = "1"
Headers = list[tuple[str, str]]


class Poll(NamedTuple):
    """What a poller is told; without a body if it has that already."""

    headers: Headers
    body: bytes | None


def poll(reader: JobReader, job_id: UUID, owner: UUID | None, known: str | None) -> Poll | None:
    """Return the document of a job, unless ``known``, an If-None-Match header, names its version.

    ``None`` if the owner has no such job.
    """
    if known is not None:
        state = reader.state(job_id, owner)
        if state is None:
            return None
        if has_tag(known, entity_tag(job_id, state)):
            return Poll(state_headers(job_id, state), None)
    snapshot = reader.snapshot(job_id, owner)
    return None if snapshot is None else Poll(state_headers(job_id, snapshot.state), snapshot.body)


def polled_answer(job_id: UUID) -> Response:
    """Return the document of a job, or 304 without one if the client has it already.

    Raises:
        AvemotionError: There is no such job.
    """
    found = poll(services().reader, job_id, owner_id(), request.environ.get("HTTP_IF_NONE_MATCH"))
    if found is None:
        raise job_missing(job_id)
    if found.body is None:
        return Response(status=304, headers=[*found.headers, ("Cache-Control", PRIVATE)])
    return answer_json(found.body, headers=found.headers)


def job_answer(job_id: UUID, *, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Return the whole document of a job.

    Raises:
        AvemotionError: There is no such job.
    """
    snapshot: Snapshot | None = services().reader.snapshot(job_id, owner_id())
    if snapshot is None:
        raise job_missing(job_id)
    return answer_json(snapshot.body, status, [*headers, *state_headers(job_id, snapshot.state)])


def await_change(job_id: UUID, limit_s: float) -> None:
    """Wait until the job differs from what the client knows, or ends.

    Raises:
        AvemotionError: There is no such job.
    """
    known = request.environ.get("HTTP_IF_NONE_MATCH")

    def settled() -> bool:
        state = job_state(job_id)
        return state.ended or (known is not None and not has_tag(known, entity_tag(job_id, state)))

    services().waiting.wait(limit_s, settled)


def await_end(job_id: UUID, limit_s: float) -> bool:
    """Wait until the job ends; tell whether it has."""
    services().waiting.wait(limit_s, lambda: job_state(job_id).ended)
    return job_state(job_id).ended


def job_state(job_id: UUID) -> JobState:
    """Return a job's state.

    Raises:
        AvemotionError: There is no such job.
    """
    state = services().reader.state(job_id, owner_id())
    if state is None:
        raise job_missing(job_id)
    return state


def job_missing(job_id: UUID) -> AvemotionError:
    """Return the error for a job that is not there, or is somebody else's."""
    return AvemotionError(ErrorCode.NOT_FOUND, f"There is no job {job_id}.")


def state_headers(job_id: UUID, state: JobState) -> Headers:
    """Return the headers that go with a job's document, or stand for it."""
    tag = ("ETag", entity_tag(job_id, state))
    return [tag] if state.ended else [tag, ("Retry-After", RETRY_AFTER_S)]


def entity_tag(job_id: UUID, state: JobState) -> str:
    """Return the strong ETag of a job's document in this state."""
    # An end has tags of its own: what a crash of the database made forgotten may count to the same version.
    return f'"{job_id.hex}-{state.version}{"-end" if state.ended else ""}"'


def has_tag(header: str, tag: str) -> bool:
    """Tell whether an If-None-Match header names ``tag``; weak tags count, as RFC 9110 says."""
    if header == tag:
        return True
    return any(each.strip().removeprefix("W/") in (tag, "*") for each in header.split(","))
