"""One clip through the API: upload, job, result; and several of them at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from client.api import CANCEL_LIMIT_S, ENDED, ApiClient, Document
from client.run.clips import Clip, Task, unreadable
from client.run.progress import Progress
from shared.errors import AvemotionError

CLIPS_AT_ONCE = 8
# Sending is quick beside scoring; it gets this much of a clip's bar.
UPLOAD_SHARE = 0.1

Track = Callable[[str, float], None]


@dataclass
class Outcome:
    """What became of a clip: neither is set until it has ended.

    Attributes:
        document: The job's document, whether it succeeded or not.
        error: Why there is no such document.
    """

    document: Document | None = None
    error: AvemotionError | None = None

    @property
    def ended(self) -> bool:
        """Tell whether nothing more will come."""
        return self.document is not None or self.error is not None

    @property
    def succeeded(self) -> bool:
        """Tell whether there is a result."""
        return self.document is not None and self.document["status"] == "succeeded"


async def score_all(
    client: ApiClient,
    work: Sequence[tuple[int, Task, Outcome]],
    options: Mapping[str, Any],
    progress: Progress,
) -> None:
    """Score the clips, a few at a time, and fill in each outcome as it comes.

    Args:
        client: The API.
        work: Position on the command line, what to score, and where its outcome goes.
        options: Of every job, as in the body of ``POST /predict``.
        progress: Told of each step.
    """
    slots = asyncio.Semaphore(CLIPS_AT_ONCE)

    async def score_one(index: int, task: Task, outcome: Outcome) -> None:
        async with slots:
            try:
                outcome.document = await score(
                    client, task, options, lambda stage, share: progress.update(index, stage, share)
                )
            except AvemotionError as error:
                outcome.error = error
            progress.end(index, succeeded=outcome.succeeded)

    async with asyncio.TaskGroup() as group:
        for index, task, outcome in work:
            group.create_task(score_one(index, task, outcome))


async def score(client: ApiClient, task: Task, options: Mapping[str, Any], track: Track) -> Document:
    """Return the document of the ended job; a job whose asker is interrupted is cancelled.

    Raises:
        AvemotionError: There is no such document: the upload or the request was refused, or the API
            stayed away.
    """
    request = dict(options)
    for name, clip in (("video_id", task.video), ("audio_id", task.audio)):
        if clip is not None:
            request[name] = await _upload(client, clip, track)
    job = await _finish(client.predict(request), client)
    try:
        async for document in client.follow(str(job["job_id"])):
            job = document
            if job["status"] not in ENDED:
                stage = job["stage"] or job["status"]
                track(stage, UPLOAD_SHARE + (1 - UPLOAD_SHARE) * job["progress"])
    except asyncio.CancelledError:
        await _cancel(client, job)
        raise
    return job


async def _upload(client: ApiClient, clip: Clip, track: Track) -> str:
    track("upload", 0.0)
    size_bytes = clip.size_bytes
    try:
        return await client.upload(
            clip.path, clip.media, size_bytes, lambda sent: track("upload", UPLOAD_SHARE * sent / size_bytes)
        )
    except OSError as error:
        raise unreadable(error) from error


async def _finish(request: Coroutine[Any, Any, Document], client: ApiClient) -> Document:
    """Return the new job; if interrupted, wait for the answer so that the job can be cancelled."""
    asked = asyncio.create_task(request)
    try:
        return await asyncio.shield(asked)
    except asyncio.CancelledError:
        with contextlib.suppress(TimeoutError, AvemotionError):
            await _cancel(client, await asyncio.wait_for(asked, CANCEL_LIMIT_S))
        raise


async def _cancel(client: ApiClient, job: Document) -> None:
    # Whoever interrupts us may have stopped the API as well; then there is nobody to tell.
    with contextlib.suppress(httpx.HTTPError):
        await client.cancel(str(job["job_id"]))
