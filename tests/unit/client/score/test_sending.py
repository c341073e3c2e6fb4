from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from client.batches import BatchClient
from client.score.items import Item
from client.score.sending import Outbox
from shared.errors import AvemotionError, ErrorCode
from tests.unit.client.calls import Pauses, problem
from tests.unit.client.runs import MP4_HEAD, WAV_HEAD
from tests.unit.client.server import Answer, ScriptedServer

JOBS_CALL = "POST /batches/b/jobs"


class Sent:
    """What sending told."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.jobs = 0
        self.faults: dict[str, AvemotionError] = {}

    def note_jobs(self, count: int) -> None:
        """Count jobs."""
        self.jobs += count


@pytest.fixture
def ready(server: ScriptedServer) -> ScriptedServer:
    """A server that takes everything, and has nothing yet."""
    for kind in ("video", "audio"):
        server.on(f"GET /upload/{kind}", problem(ErrorCode.NOT_FOUND))
        server.on(f"POST /upload/{kind}", Answer(201, {"id": f"{kind}-1"}))
    server.on(JOBS_CALL, Answer(202, {"jobs": []}))
    return server


def make(folder: Path, count: int) -> list[Item]:
    items = [Item(f"{number}.mp4", folder / f"{number}.mp4") for number in range(count)]
    for item in items:
        item.path.write_bytes(MP4_HEAD)
    return items


def send(server: ScriptedServer, items: list[Item], **options: Any) -> Sent:
    told = Sent()

    async def main() -> None:
        async with BatchClient(server.url, sleep=Pauses(), patience_s=0) as client:
            outbox = Outbox(client, "b", options, told.note_jobs, told.faults.__setitem__)
            await asyncio.wait_for(outbox.send(items), 60)

    asyncio.run(main())
    return told


def jobs(server: ScriptedServer) -> list[dict[str, Any]]:
    return [job for seen in server.calls(JOBS_CALL) for job in json.loads(seen.body)["jobs"]]


def refusal(server: ScriptedServer, items: list[Item]) -> AvemotionError:
    with pytest.raises(ExceptionGroup) as caught:
        send(server, items)
    found: BaseException = caught.value
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, AvemotionError)
    return found


def test_each_clip_becomes_one_job(ready: ScriptedServer, tmp_path: Path) -> None:
    """Every clip is uploaded and added once, with the options; nothing is left behind at the end."""
    told = send(ready, make(tmp_path, 30), window_s=1.0)

    assert len(ready.calls("POST /upload/video")) == 30
    assert sorted(job["reference"] for job in jobs(ready)) == sorted(f"{number}.mp4" for number in range(30))
    assert {(job["video_id"], job["window_s"]) for job in jobs(ready)} == {("video-1", 1.0)}
    assert told.jobs == 30
    assert told.faults == {}


def test_a_voice_goes_with_its_face(ready: ScriptedServer, tmp_path: Path) -> None:
    """A clip with a sound of its own file has two uploads and one job; a voice alone has one."""
    (item,) = make(tmp_path, 1)
    (tmp_path / "voice.wav").write_bytes(WAV_HEAD)
    voice = tmp_path / "voice.wav"

    send(ready, [Item("a", item.path, voice), Item("b", voice)])

    found = {job.pop("reference"): job for job in jobs(ready)}
    assert found == {"a": {"video_id": "video-1", "audio_id": "audio-1"}, "b": {"audio_id": "audio-1"}}


@pytest.mark.parametrize(("left", "sent"), [(timedelta(days=1), 0), (timedelta(minutes=5), 1)])
def test_what_the_server_has_is_not_sent_again(
    ready: ScriptedServer, tmp_path: Path, left: timedelta, sent: int
) -> None:
    """A file is asked for by its hash first, and stays here unless the server's is about to expire."""
    expires_at = (datetime.now(UTC) + left).isoformat()
    ready.on("GET /upload/video", Answer(200, {"id": "held", "expires_at": expires_at}))

    send(ready, make(tmp_path, 1))

    assert [seen.query for seen in ready.calls("GET /upload/video")] == [
        f"sha256={hashlib.sha256(MP4_HEAD).hexdigest()}"
    ]
    assert len(ready.calls("POST /upload/video")) == sent
    assert [job["video_id"] for job in jobs(ready)] == ["video-1" if sent else "held"]


def test_what_cannot_be_sent_stops_nothing(ready: ScriptedServer, tmp_path: Path) -> None:
    """A file that is missing, empty, no media, refused or called too long is told; all others are sent."""
    items = make(tmp_path, 12)
    items[0].path.unlink()
    items[1].path.write_bytes(b"")
    items[2].path.write_text("hello")
    items[3] = Item("x" * 1025, items[3].path)
    ready.on("POST /upload/video", problem(ErrorCode.MEDIA_TOO_LARGE), Answer(201, {"id": "video-1"}))

    told = send(ready, items)

    codes = {name: error.code for name, error in told.faults.items()}
    assert codes.pop("0.mp4") is ErrorCode.NOT_FOUND
    assert codes.pop("1.mp4") is ErrorCode.EMPTY_UPLOAD
    assert codes.pop("2.mp4") is ErrorCode.UNSUPPORTED_MEDIA
    assert codes.pop("x" * 1025) is ErrorCode.INVALID_REQUEST
    assert list(codes.values()) == [ErrorCode.MEDIA_TOO_LARGE]
    assert told.jobs == 7


def test_a_full_queue_is_waited_for(ready: ScriptedServer, tmp_path: Path) -> None:
    """Bulk work waits for the queue as long as it takes."""
    full = problem(ErrorCode.QUEUE_FULL, "Too many.", **{"Retry-After": "3"})
    ready.on(JOBS_CALL, *[full] * 5, Answer(202, {"jobs": []}))
    assert send(ready, make(tmp_path, 3)).jobs == 3


@pytest.mark.parametrize(
    ("call", "answer", "code"),
    [
        ("POST /upload/video", problem(ErrorCode.UNAUTHORIZED), ErrorCode.UNAUTHORIZED),
        ("POST /upload/video", Answer(503), ErrorCode.SERVICE_UNAVAILABLE),
        ("POST /upload/video", Answer(200, b"<html>"), ErrorCode.SERVICE_UNAVAILABLE),
        (JOBS_CALL, problem(ErrorCode.MODEL_UNAVAILABLE), ErrorCode.MODEL_UNAVAILABLE),
        (JOBS_CALL, problem(ErrorCode.CONFLICT), ErrorCode.CONFLICT),
    ],
)
def test_what_is_wrong_with_all_of_them_ends_it(
    ready: ScriptedServer, tmp_path: Path, call: str, answer: Answer, code: ErrorCode
) -> None:
    """A key, a server or an option that will not do ends the run at once, however many clips are left."""
    ready.on(call, answer)
    assert refusal(ready, make(tmp_path, 100)).code is code
    assert len(ready.calls("POST /upload/video")) < 100
