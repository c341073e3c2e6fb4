"""A well-behaved client of the HTTP API: streams, waits as asked, asks only for what changed."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from client.problems import ProblemError, error_of
from shared.errors import AvemotionError, ErrorCode
from shared.sniff import MediaType

API_KEY_VARIABLE = "AVEMOTION_API_KEY"
CHUNK_BYTES = 256 * 1024
# What passes by itself: too many requests, and a server or something before it that is not ready.
PASSING_STATUSES = frozenset({429, 502, 503, 504})
PATIENCE_S = 120.0
FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 5.0
LONG_POLL_S = 20.0
LIMITS = httpx.Timeout(60, connect=5, pool=None)
POLL_LIMITS = httpx.Timeout(LONG_POLL_S + 30, connect=5, pool=None)
UPLOAD_LIMITS = httpx.Timeout(300, connect=5, pool=None)
POLL_S = 1.0
LEAST_POLL_S = 0.1
CANCEL_LIMIT_S = 5.0
# An upload that expires sooner might be gone before its job is there.
LEAST_UPLOAD_LIFE = timedelta(hours=1)
ENDED = frozenset({"succeeded", "failed", "cancelled"})

Document = dict[str, Any]
Sleep = Callable[[float], Awaitable[None]]


class ApiClient:
    """Calls of one API over a pool of connections; each waits out what passes by itself.

    Every call raises ``ProblemError`` for an error of the API, and ``AvemotionError`` if the API stays
    away for longer than the patience given.
    """

    def __init__(
        self,
        url: str,
        *,
        check: Callable[[], None] | None = None,
        patience_s: float = PATIENCE_S,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Prepare; connections are opened as needed.

        Args:
            url: Address of the API.
            check: Called before each request; raises if there is no sense in going on.
            patience_s: How long to try while the API is away or busy.
            sleep: Waits for so many seconds.
        """
        key = os.environ.get(API_KEY_VARIABLE)
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"} if key else None,
            timeout=LIMITS,
            # The environment's proxies are for the world outside, not for this machine.
            trust_env=False,
        )
        self._check = check or (lambda: None)
        self._patience_s = patience_s
        self._sleep = sleep

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def upload(
        self, path: Path, media: MediaType, size_bytes: int, on_bytes: Callable[[int], None] | None = None
    ) -> str:
        """Send a file to ``/upload/video`` or ``/upload/audio`` and return the upload's id.

        Args:
            path: A regular file; at no time is all of it in memory.
            media: What its first bytes say it is.
            size_bytes: Its size; one that has grown since is cut there.
            on_bytes: Called with the number of bytes sent so far.
        """
        headers = {"Content-Type": media.mime, "Content-Length": str(size_bytes)}

        def build() -> httpx.Request:
            body = _read(path, size_bytes, on_bytes)
            return self._client.build_request(
                "POST", f"/upload/{media.kind}", content=body, headers=headers, timeout=UPLOAD_LIMITS
            )

        return str(document_of(await self._send(build))["id"])

    async def find_upload(self, media: MediaType, sha256: str) -> str | None:
        """Return the id of the upload with these very bytes, if it will be there for a while yet."""
        path, params = f"/upload/{media.kind}", {"sha256": sha256}
        try:
            response = await self._send(lambda: self._client.build_request("GET", path, params=params))
        except ProblemError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            return None
        upload = document_of(response)
        left = datetime.fromisoformat(upload["expires_at"]) - datetime.now(UTC)
        return str(upload["id"]) if left > LEAST_UPLOAD_LIFE else None

    async def predict(self, request: Mapping[str, Any]) -> Document:
        """Ask for a job and return its document; asking again by itself never makes a second job."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return document_of(
            await self._send(
                lambda: self._client.build_request("POST", "/predict", json=request, headers=headers)
            )
        )

    async def follow(self, job_id: str) -> AsyncIterator[Document]:
        """Yield the job's document when it has changed; the last one is that of the ended job."""
        etag: str | None = None
        while True:
            begun = time.monotonic()
            response = await self._poll(job_id, etag)
            pause_s = LEAST_POLL_S
            if response.status_code == httpx.codes.NOT_MODIFIED or response.headers.get("ETag") is None:
                pause_s = asked_delay_s(response) or POLL_S
            if response.status_code != httpx.codes.NOT_MODIFIED:
                etag = response.headers.get("ETag")
                document = document_of(response)
                yield document
                if document["status"] in ENDED:
                    return
            # A server that held the request until something changed has made us wait already.
            await self._sleep(max(0, begun + pause_s - time.monotonic()))

    async def cancel(self, job_id: str) -> None:
        """Ask once, and not for long, that the job be cancelled."""
        await self._client.post(f"/jobs/{job_id}/cancel", timeout=CANCEL_LIMIT_S)

    async def analyzers(self) -> frozenset[str]:
        """Return what the service can see faces with now."""
        ready = document_of(await self._send(lambda: self._client.build_request("GET", "/readyz")))
        return frozenset(found["name"] for found in ready["analyzers"])

    async def _poll(self, job_id: str, etag: str | None) -> httpx.Response:
        # Without an ETag there is nothing to wait for yet: the first answer is wanted at once.
        wait = {"wait": f"{LONG_POLL_S:g}"} if etag else {}
        headers = {"If-None-Match": etag} if etag else {}
        path = f"/jobs/{job_id}"
        return await self._send(
            lambda: self._client.build_request("GET", path, params=wait, headers=headers, timeout=POLL_LIMITS)
        )

    async def _send(self, build: Callable[[], httpx.Request], *, stream: bool = False) -> httpx.Response:
        """Send a request until it is answered, waiting as the API asks, or with growing pauses.

        Args:
            build: Makes the request anew for each try; its body can be read only once.
            stream: Leave the body of a good answer unread; whoever reads it closes the answer.
        """
        give_up: float | None = None
        delay_s = FIRST_DELAY_S
        while True:
            self._check()
            asked_s: float | None = None
            try:
                response = await self._client.send(build(), stream=stream)
                if response.is_error:
                    await response.aread()
            except httpx.TransportError as error:
                message = f"The API at {self._client.base_url} does not answer ({type(error).__name__})."
                fault = AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message)
            else:
                if response.status_code < httpx.codes.BAD_REQUEST:
                    return response
                fault = error_of(response)
                if response.status_code not in PASSING_STATUSES:
                    raise fault
                asked_s = asked_delay_s(response)
            pause_s = delay_s if asked_s is None else asked_s
            if give_up is None:
                give_up = time.monotonic() + self._patience_s
            if time.monotonic() + pause_s > give_up:
                raise fault
            await self._sleep(pause_s)
            delay_s = min(delay_s * 2, LONGEST_DELAY_S)


def document_of(response: httpx.Response) -> Document:
    """Return the JSON object of an answer."""
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        message = f"What answers at {response.request.url} is not the API of avemotion."
        raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message)
    return document


def asked_delay_s(response: httpx.Response) -> float | None:
    """Return what ``Retry-After`` asks for, in seconds or as a date; None where it asks for nothing."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


async def _read(path: Path, size_bytes: int, on_bytes: Callable[[int], None] | None) -> AsyncIterator[bytes]:
    """Yield the file's first ``size_bytes`` bytes, as many as were announced.

    Raises:
        AvemotionError: The file has become shorter.
    """
    sent = 0
    with path.open("rb") as file:
        while sent < size_bytes and (chunk := file.read(min(CHUNK_BYTES, size_bytes - sent))):
            yield chunk
            sent += len(chunk)
            if on_bytes is not None:
                on_bytes(sent)
    if sent < size_bytes:
        raise AvemotionError(ErrorCode.UPLOAD_INCOMPLETE, "The file became shorter while it was sent.")
