"""gunicorn's worker, which answers what never reaches the application as the application would."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import Any

import structlog
from gunicorn.http import errors  # type: ignore[import-untyped]  # gunicorn ships no types
from gunicorn.util import write_nonblock  # type: ignore[import-untyped]  # as above
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # as above

from api.answers import encode
from api.headers import safe
from api.problems import MEDIA_TYPE, document_of
from shared.errors import ErrorCode

log = structlog.stdlib.get_logger(__name__)

REFUSALS = {
    errors.LimitRequestLine: (414, ErrorCode.REQUEST_TOO_LARGE, "The address of the request is too long."),
    errors.LimitRequestHeaders: (
        431,
        ErrorCode.REQUEST_TOO_LARGE,
        "The request has too many headers, or one that is too long.",
    ),
    errors.ExpectationFailed: (417, ErrorCode.MALFORMED_REQUEST, "`Expect` knows `100-continue` only."),
    errors.UnsupportedTransferCoding: (
        501,
        ErrorCode.MALFORMED_REQUEST,
        "The only transfer coding known here is `chunked`.",
    ),
}
MALFORMED = (400, ErrorCode.MALFORMED_REQUEST, "What was sent is not a request as HTTP/1.1 has it.")
FAULT = (500, ErrorCode.INTERNAL_ERROR, "Something went wrong on our side.")
# A header that we would have sent ourselves is no fault of the client.
OWN = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName)


def refusal_of(fault: BaseException) -> tuple[int, ErrorCode, str]:
    """Return status, code and sentence for what went wrong before, or around, the application."""
    if isinstance(fault, errors.ParseException) and not isinstance(fault, OWN):
        return REFUSALS.get(type(fault), MALFORMED)
    return FAULT


class ApiWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """A worker of threads, whose own errors are problem documents."""

    def handle_error(self, _request: Any, client: Any, _address: Any, fault: BaseException) -> None:
        """Answer, and log neither who asked nor for what."""
        status, code, sentence = refusal_of(fault)
        if code is ErrorCode.INTERNAL_ERROR:
            log.error("request broke the server", exc_info=fault)
        else:
            log.info("request refused", status=status, error=type(fault).__name__)
        body = encode(document_of(code, sentence, status)).encode()
        headers = [
            ("Connection", "close"),
            ("Content-Type", MEDIA_TYPE),
            ("Cache-Control", "no-store"),
            ("Content-Length", str(len(body))),
        ]
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            *(f"{name}: {value}" for name, value in safe(headers)),
        ]
        # The client may be gone.
        with suppress(OSError):
            write_nonblock(client, "\r\n".join([*lines, "", ""]).encode() + body)
