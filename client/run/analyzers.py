"""Waiting for the worker that has the analyzer which is asked for."""

from __future__ import annotations

import asyncio

from client.api import ApiClient
from shared.settings import Settings

# A worker starts later than the API, and loads for some seconds.
PAUSE_S = 0.2
MOST_PAUSES = 150


async def await_analyzer(client: ApiClient, name: str | None, settings: Settings) -> None:
    """Wait until a worker has announced an analyzer that is set up on this machine, though not for ever.

    What is not set up here is not waited for: the API says at once whether it is anywhere.
    """
    from worker.faces.openface.installation import find_installation  # noqa: PLC0415 - not for each run

    if (name or settings.analyzer) != "openface" or find_installation(settings) is None:
        return
    for _ in range(MOST_PAUSES):
        if "openface" in await client.analyzers():
            return
        await asyncio.sleep(PAUSE_S)
