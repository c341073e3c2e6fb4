"""Clips on their way: uploaded a few at a time, and added to the batch as they arrive."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.batches import BatchClient
from client.problems import ProblemError
from client.run.clips import Clip, make_task, unreadable
from client.score.items import Item, invalid
from shared.errors import AvemotionError, ErrorCode
from shared.schemas.batches import LONGEST_REFERENCE, MOST_JOBS

# Each reads a piece of its file at a time, so that memory does not grow with the files.
UPLOADS_AT_ONCE = 8
# These are of the file that was sent; any other refusal is of the run.
OF_THE_FILE = frozenset(
    {
        ErrorCode.EMPTY_UPLOAD,
        ErrorCode.UPLOAD_INCOMPLETE,
        ErrorCode.MEDIA_TOO_LARGE,
        ErrorCode.REQUEST_TOO_LARGE,
        ErrorCode.UNSUPPORTED_MEDIA,
    }
)

Request = dict[str, Any]


@dataclass(frozen=True)
class Outbox:
    """Where clips go, and who is told.

    Attributes:
        client: The API.
        batch_id: The batch that they are added to.
        options: Of every job, as in the body of ``POST /predict``.
        on_sent: Called with the number of jobs that were added.
        on_fault: Called with a clip that cannot be sent, and why.
    """

    client: BatchClient
    batch_id: str
    options: Mapping[str, Any]
    on_sent: Callable[[int], None]
    on_fault: Callable[[str, AvemotionError], None]

    async def send(self, items: Sequence[Item]) -> None:
        """Send all clips; return when the last one is in the batch.

        Raises:
            ExceptionGroup: With the ``AvemotionError`` that ended it: the API stays away or refuses the run.
        """
        waiting = iter(items)
        ready: asyncio.Queue[Request | None] = asyncio.Queue(MOST_JOBS)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._add_all(ready))
            async with asyncio.TaskGroup() as uploads:
                for _ in range(min(UPLOADS_AT_ONCE, len(items))):
                    uploads.create_task(self._upload_all(waiting, ready))
            await ready.put(None)

    async def _upload_all(self, waiting: Iterator[Item], ready: asyncio.Queue[Request | None]) -> None:
        for item in waiting:
            try:
                request = await self._upload(item)
            except AvemotionError as error:
                if isinstance(error, ProblemError) and error.code not in OF_THE_FILE:
                    raise
                if error.code is ErrorCode.SERVICE_UNAVAILABLE:
                    raise
                self.on_fault(item.reference, error)
            else:
                await ready.put(request)

    async def _upload(self, item: Item) -> Request:
        """Return the request of a clip's job."""
        if len(item.reference) > LONGEST_REFERENCE or "\0" in item.reference:
            raise invalid(f"The path is longer than {LONGEST_REFERENCE:,} characters, or holds a NUL.")
        task = make_task(item.path, item.audio)
        request: Request = {**self.options, "reference": item.reference}
        for name, clip in (("video_id", task.video), ("audio_id", task.audio)):
            if clip is not None:
                request[name] = await self._upload_file(clip)
        return request

    async def _upload_file(self, clip: Clip) -> str:
        try:
            sha256 = await asyncio.to_thread(_hash, clip.path)
            found = await self.client.find_upload(clip.media, sha256)
            return found or await self.client.upload(clip.path, clip.media, clip.size_bytes)
        except OSError as error:
            raise unreadable(error) from error

    async def _add_all(self, ready: asyncio.Queue[Request | None]) -> None:
        """Add what is ready, all of it at once: the first clip at once, then ever larger chunks."""
        more = True
        while more:
            chunk = [await ready.get()]
            while not ready.empty() and len(chunk) < MOST_JOBS:
                chunk.append(ready.get_nowait())
            requests = [request for request in chunk if request is not None]
            more = len(requests) == len(chunk)
            if requests:
                await self._add(requests)
                self.on_sent(len(requests))

    async def _add(self, requests: Sequence[Request]) -> None:
        while True:
            try:
                await self.client.add_jobs(self.batch_id, requests)
            except AvemotionError as error:
                # A full queue gets emptier as long as there are workers; this is what bulk work waits for.
                if error.code is not ErrorCode.QUEUE_FULL:
                    raise
            else:
                return


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
