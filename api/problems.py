"""Errors as ``application/problem+json`` (RFC 9457), whatever raised them."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn
from uuid import uuid4

import psycopg
import structlog
from flask import Flask, Response, request
from pydantic import ValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from api.answers import encode
from api.requests import drain
from shared.errors import AvemotionError, ErrorCode

log = structlog.stdlib.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
DOCS = "/docs/errors"
RETRY_AFTER_S = {ErrorCode.QUEUE_FULL: 10, ErrorCode.SERVICE_UNAVAILABLE: 2, ErrorCode.STORAGE_FULL: 60}
HTTP_CODES = {
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.REQUEST_TOO_LARGE,
}
SERVER_ERROR = 500
# A full disk, or a full quota.
FULL = (errno.ENOSPC, errno.EDQUOT)
# How many wrong fields a sentence names; ``errors`` lists them all.
NAMED_FIELDS = 3


class FieldsError(AvemotionError):
    """Something wrong with some fields of a request."""

    def __init__(self, code: ErrorCode, message: str, errors: Sequence[tuple[str, str]]) -> None:
        """Keep pairs of a field's name and what is wrong with its value."""
        super().__init__(code, message)
        self.errors = [{"field": field, "message": message} for field, message in errors]


class RefusedForNowError(AvemotionError):
    """A request that may be taken later; when, stands in its headers."""

    def __init__(
        self, code: ErrorCode, message: str, retry_after_s: int, headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Keep when to try again, in seconds, and what else the answer's headers say."""
        super().__init__(code, message)
        self.headers = [("Retry-After", str(retry_after_s)), *headers]


class InvalidRequestError(FieldsError):
    """Values of a request that are not valid, by field."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        """Keep pairs of a field's name and what is wrong with its value."""
        named = "; ".join(f"{field}: {message}" for field, message in errors[:NAMED_FIELDS])
        super().__init__(ErrorCode.INVALID_REQUEST, f"{named}.", errors)


def refuse_invalid(error: ValidationError) -> NoReturn:
    """Raise what pydantic found wrong with a request as the error that clients know."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    raise InvalidRequestError(
        [
            (
                ".".join(str(part) for part in item["loc"]) or "body",
                item["msg"].removeprefix("Value error, "),
            )
            for item in found
        ]
    ) from None


def document_of(code: ErrorCode, detail: str, status: int) -> dict[str, Any]:
    """Return the problem document of an error."""
    return {
        "type": f"{DOCS}#{code.code}",
        "title": code.title,
        "status": status,
        "detail": detail,
        "code": code.code,
        "errors": [],
    }


def problem(code: ErrorCode, detail: str, *, status: int | None = None, **members: Any) -> Response:
    """Return the response for an error."""
    status = status or code.status
    document = {**document_of(code, detail, status), **members}
    response = Response(encode(document), status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    if request.content_length or "HTTP_TRANSFER_ENCODING" in request.environ:
        # After the answer is sent: a client that reads at once need not wait for this.
        response.call_on_close(partial(drain, request.environ))
    if code in RETRY_AFTER_S:
        response.headers["Retry-After"] = str(RETRY_AFTER_S[code])
    if code is ErrorCode.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="avemotion"'
    return response


def register(app: Flask) -> None:
    """Answer every error of ``app`` as a problem document."""
    app.register_error_handler(AvemotionError, _known)
    app.register_error_handler(HTTPException, _http)
    for away in (OperationalError, InterfaceError, PoolTimeoutError, psycopg.OperationalError):
        app.register_error_handler(away, _database_away)
    app.register_error_handler(OSError, _storage_away)
    app.register_error_handler(Exception, _unexpected)


def _known(error: AvemotionError) -> Response:
    errors = error.errors if isinstance(error, FieldsError) else []
    response = problem(error.code, error.message, errors=errors)
    if isinstance(error, RefusedForNowError):
        response.headers.extend(error.headers)
    return response


def _http(error: HTTPException) -> Response:
    status = error.code or SERVER_ERROR
    fallback = ErrorCode.INTERNAL_ERROR if status >= SERVER_ERROR else ErrorCode.MALFORMED_REQUEST
    response = problem(HTTP_CODES.get(status, fallback), error.description or "", status=status)
    for name, value in error.get_headers():
        if name not in response.headers:
            response.headers[name] = value
    return response


def _database_away(error: Exception) -> Response:
    cause = getattr(error, "orig", error)
    log.warning("database away", error=type(cause).__name__)
    if isinstance(cause, psycopg.errors.DiskFull):
        message = "The database has no room left; the operator has to make some."
        return problem(ErrorCode.SERVICE_UNAVAILABLE, message)
    return problem(ErrorCode.SERVICE_UNAVAILABLE, "The database cannot be reached; try again soon.")


def _storage_away(error: OSError) -> Response:
    log.warning("storage away", error=type(error).__name__, errno=error.errno)
    if error.errno in FULL:
        message = "There is no room left for files; nothing was kept. The operator has to make some."
        return problem(ErrorCode.STORAGE_FULL, message)
    return problem(ErrorCode.SERVICE_UNAVAILABLE, "The file storage cannot be used; try again soon.")


def _unexpected(error: Exception) -> Response:
    request_id = str(uuid4())
    log.error("unexpected error", request_id=request_id, exc_info=error)
    return problem(
        ErrorCode.INTERNAL_ERROR,
        f"This should not have happened. The operator finds the cause in the log under {request_id}.",
        instance=f"urn:uuid:{request_id}",
    )
