"""Calls of batches: many jobs at once, followed as one, and read in one stream."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import IO, Any

import httpx

from client.api import POLL_S, ApiClient, Document, asked_delay_s, document_of
from shared.errors import AvemotionError, ErrorCode

# A broken download begins anew: the stream has no place to go on from.
DOWNLOADS = 3
DOWNLOAD_LIMITS = httpx.Timeout(120, connect=5, pool=None)


class BatchClient(ApiClient):
    """An ``ApiClient`` that knows batches; its errors are the same."""

    async def create_batch(self, name: str) -> Document:
        """Begin a batch and return its document."""
        return await self._post("/batches", {"name": name})

    async def add_jobs(self, batch_id: str, jobs: Sequence[Mapping[str, Any]]) -> list[Document]:
        """Add jobs, all or none, and return what became of each; the same again adds none."""
        taken = await self._post(f"/batches/{batch_id}/jobs", {"jobs": list(jobs)})
        return list(taken["jobs"])

    async def close_batch(self, batch_id: str) -> None:
        """Say that no more jobs will come."""
        await self._post(f"/batches/{batch_id}/close", None)

    async def batch(self, batch_id: str) -> Document:
        """Return a batch's document."""
        return document_of(await self._look(batch_id))

    async def follow_batch(self, batch_id: str) -> AsyncIterator[Document]:
        """Yield the batch's document when it has changed; the last one is that of the finished batch."""
        etag: str | None = None
        while True:
            begun = time.monotonic()
            response = await self._look(batch_id, etag)
            if response.status_code != httpx.codes.NOT_MODIFIED:
                etag = response.headers.get("ETag")
                document = document_of(response)
                yield document
                if document["finished_at"] is not None:
                    return
            # It changes all the time while it runs: each look costs the service a count.
            pause_s = asked_delay_s(response) or POLL_S
            await self._sleep(max(0, begun + pause_s - time.monotonic()))

    async def save_results(self, batch_id: str, file: IO[bytes], *, everything: bool = False) -> None:
        """Write the batch's rows as JSON lines, in place of what the file holds.

        Args:
            batch_id: Of the batch.
            file: Where to.
            everything: Also rows of jobs that have not ended.
        """
        params = {"all": "true"} if everything else {}
        path = f"/batches/{batch_id}/results.jsonl"
        for left in reversed(range(DOWNLOADS)):
            file.seek(0)
            file.truncate()
            response = await self._send(
                lambda: self._client.build_request("GET", path, params=params, timeout=DOWNLOAD_LIMITS),
                stream=True,
            )
            try:
                async for piece in response.aiter_bytes():
                    file.write(piece)
            except httpx.TransportError as error:
                if not left:
                    message = f"The results broke off on their way ({type(error).__name__})."
                    raise AvemotionError(ErrorCode.SERVICE_UNAVAILABLE, message) from error
            else:
                return
            finally:
                await response.aclose()

    async def _look(self, batch_id: str, etag: str | None = None) -> httpx.Response:
        headers = {"If-None-Match": etag} if etag else {}
        return await self._send(
            lambda: self._client.build_request("GET", f"/batches/{batch_id}", headers=headers)
        )

    async def _post(self, path: str, body: Document | None) -> Document:
        return document_of(await self._send(lambda: self._client.build_request("POST", path, json=body)))
