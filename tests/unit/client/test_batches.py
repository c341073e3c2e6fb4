from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any, TypeVar

import pytest

from client.batches import BatchClient
from shared.errors import AvemotionError, ErrorCode
from tests.unit.client.calls import Pauses, problem
from tests.unit.client.server import Answer, ScriptedServer

T = TypeVar("T")
BATCH = {"batch_id": "b", "closed_at": None, "finished_at": None, "counts": {"total": 0}, "errors": {}}
FINISHED = BATCH | {"finished_at": "2026-03-01T12:00:00+00:00"}
LINES = b'{"path": "a.mp4"}\n{"path": "b.mp4"}\n'
# A stream that ends before its end, as when the server dies.
BROKEN = Answer(body=b'8\r\n{"path":\r\n', headers={"Transfer-Encoding": "chunked", "Connection": "close"})


def ask(
    server: ScriptedServer, call: Callable[[BatchClient], Awaitable[T]], pauses: Pauses | None = None
) -> T:
    async def main() -> T:
        async with BatchClient(server.url, sleep=pauses or Pauses()) as client:
            return await call(client)

    return asyncio.run(main())


def test_a_batch_is_begun_filled_and_closed(server: ScriptedServer) -> None:
    """Each call sends what the API takes, and returns what it says."""
    server.on("POST /batches", Answer(201, BATCH))
    server.on("POST /batches/b/jobs", Answer(202, {"jobs": [{"job_id": "1"}]}))
    server.on("POST /batches/b/close", Answer(body=BATCH))

    async def call(client: BatchClient) -> list[dict[str, Any]]:
        assert (await client.create_batch("mine"))["batch_id"] == "b"
        added = await client.add_jobs("b", [{"video_id": "v", "reference": "a.mp4"}])
        await client.close_batch("b")
        return added

    assert ask(server, call) == [{"job_id": "1"}]
    assert [json.loads(seen.body or b"null") for seen in server.seen] == [
        {"name": "mine"},
        {"jobs": [{"video_id": "v", "reference": "a.mp4"}]},
        None,
    ]


def test_following_asks_as_often_as_it_may(server: ScriptedServer) -> None:
    """Each look waits as long as the API asks, also after a change, and sends the last ETag."""
    headers = {"ETag": '"1"', "Retry-After": "7"}
    server.on(
        "GET /batches/b",
        Answer(body=BATCH, headers=headers),
        Answer(304, headers=headers),
        Answer(body=FINISHED, headers=headers),
    )
    pauses = Pauses()

    async def call(client: BatchClient) -> list[dict[str, Any]]:
        return [document async for document in client.follow_batch("b")]

    assert ask(server, call, pauses) == [BATCH, FINISHED]
    assert [seen.headers.get("If-None-Match") for seen in server.seen] == [None, '"1"', '"1"']
    assert len(pauses.seconds) == 2
    assert all(5 < seconds <= 7 for seconds in pauses.seconds)


def test_results_that_broke_off_are_fetched_anew(server: ScriptedServer) -> None:
    """What was half read is thrown away, and the file holds the whole at the end."""
    server.on("GET /batches/b/results.jsonl", BROKEN, Answer(503), Answer(body=LINES))
    file = BytesIO(b"of an earlier time, and longer than what comes" * 9)
    ask(server, lambda client: client.save_results("b", file))
    assert file.getvalue() == LINES
    assert {seen.query for seen in server.seen} == {""}


def test_all_rows_are_asked_for(server: ScriptedServer) -> None:
    """Rows of jobs that have not ended come along where they are wanted."""
    server.on("GET /batches/b/results.jsonl", Answer(body=LINES))
    ask(server, lambda client: client.save_results("b", BytesIO(), everything=True))
    assert server.seen[0].query == "all=true"


def test_results_that_keep_breaking_off_are_an_error(server: ScriptedServer) -> None:
    """After three tries there is a sentence."""
    server.on("GET /batches/b/results.jsonl", BROKEN)
    with pytest.raises(AvemotionError, match="broke off") as caught:
        ask(server, lambda client: client.save_results("b", BytesIO()))
    assert caught.value.code is ErrorCode.SERVICE_UNAVAILABLE
    assert len(server.seen) == 3


def test_refused_results_are_the_api_s_own_error(server: ScriptedServer) -> None:
    """The problem document of a stream that never began is read."""
    server.on("GET /batches/b/results.jsonl", problem(ErrorCode.NOT_FOUND, "There is no batch b."))
    with pytest.raises(AvemotionError, match=r"There is no batch b\.") as caught:
        ask(server, lambda client: client.save_results("b", BytesIO()))
    assert caught.value.code is ErrorCode.NOT_FOUND
