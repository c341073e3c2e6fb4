"""Calls of the client under test, made without taking its pauses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from client.api import ApiClient
from shared.errors import ErrorCode
from tests.unit.client.documents import JOB_ID
from tests.unit.client.server import Answer

T = TypeVar("T")


class Pauses:
    """Takes the place of sleeping: notes how long it would have been."""

    def __init__(self) -> None:
        """Begin without any."""
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Note a pause and take none."""
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def ask(
    url: str, call: Callable[[ApiClient], Awaitable[T]], *, pauses: Pauses | None = None, **options: Any
) -> T:
    """Return what a call of a fresh client returns."""

    async def main() -> T:
        async with ApiClient(url, sleep=pauses or Pauses(), **options) as client:
            return await call(client)

    return asyncio.run(main())


async def followed(client: ApiClient) -> list[dict[str, Any]]:
    """Return every document of the job until its end."""
    return [document async for document in client.follow(JOB_ID)]


def problem(code: ErrorCode, detail: str = "Because.", **headers: str) -> Answer:
    """Return an answer of the API that refuses."""
    body = {
        "type": "x",
        "title": code.title,
        "status": code.status,
        "detail": detail,
        "code": code.code,
        "errors": [],
    }
    return Answer(code.status, body, headers)
