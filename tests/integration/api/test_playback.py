from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import Engine, delete, update

from api import create_app
from api.playback import OPEN_RANGE_BYTES
from shared.database import transact
from shared.keys import create_key
from shared.settings import Settings
from shared.storage import Storage
from shared.tables import Upload
from tests.integration.api.conftest import MP4, Client, LiveApi, Predict, client_of, video
from tests.integration.api.conftest import Upload as Send
from tests.integration.api.rows import change

CLIP = video("clip")


@pytest.fixture
def address(predict: Predict) -> str:
    return f"/jobs/{predict()['job_id']}/media/video"


def test_whole(client: Client, predict: Predict, upload: Send) -> None:
    """The clip of a job is what was uploaded for it, with the type that its bytes showed."""
    document = predict(video_id=upload("clip"))
    answer = client.get(f"/jobs/{document['job_id']}/media/video")
    assert (answer.status_code, answer.data) == (200, CLIP)
    assert answer.content_type == "video/mp4"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Length"] == str(len(CLIP))


def test_nothing_in_it_runs(client: Client, address: str) -> None:
    """Opened as a page of its own, or asked for by another site, a clip is media and nothing else."""
    headers = client.get(address).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "private, no-store"
    job_id = address.split("/")[2]
    assert headers["Content-Disposition"] == f'inline; filename="{job_id}-video"'


@pytest.mark.parametrize(
    "part",
    [("bytes=0-3", 0, 3), ("bytes=4-", 4, 63), ("bytes=-5", 59, 63), ("bytes=60-999", 60, 63)],
)
def test_range(client: Client, predict: Predict, upload: Send, part: tuple[str, int, int]) -> None:
    """A range of bytes is answered with 206 and says which bytes they are."""
    asked, first, last = part
    assert len(CLIP) == 64
    document = predict(video_id=upload("clip"))
    answer = client.get(f"/jobs/{document['job_id']}/media/video", headers={"Range": asked})
    assert (answer.status_code, answer.data) == (206, CLIP[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/64"


@pytest.mark.parametrize("asked", ["bytes=100000-", "bytes=9-2", "lines=1-2", "bytes=0-1,4-5"])
def test_range_that_is_none(client: Client, address: str, asked: str) -> None:
    """A range that cannot be answered is a problem document with status 416, which tells the length."""
    answer = client.get(address, headers={"Range": asked})
    assert (answer.status_code, answer.content_type) == (416, "application/problem+json")
    assert answer.headers["Content-Range"].startswith("bytes */")


def test_open_ranges_are_short(client: Client, predict: Predict) -> None:
    """Of a range without an end comes a piece that passes at once; the rest is had by asking on."""
    clip = MP4 + bytes(OPEN_RANGE_BYTES + 1000)
    document = predict(video_id=client.post("/upload/video", data=clip).json["id"])
    address = f"/jobs/{document['job_id']}/media/video"
    first = client.get(address, headers={"Range": "bytes=0-"})
    assert (first.status_code, len(first.data)) == (206, OPEN_RANGE_BYTES)
    rest = client.get(address, headers={"Range": f"bytes={OPEN_RANGE_BYTES}-"})
    assert first.data + rest.data == clip
    assert client.get(address, headers={"Range": f"bytes=0-{len(clip) - 1}"}).data == clip


def test_conditions(client: Client, address: str) -> None:
    """The entity tag saves a clip that is known, and a range of another version is not mixed in."""
    tag = client.get(address).headers["ETag"]
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 304
    fresh = {"Range": "bytes=0-1", "If-Range": tag}
    assert client.get(address, headers=fresh).status_code == 206
    assert client.get(address, headers={**fresh, "If-Range": '"other"'}).status_code == 200


def test_head(client: Client, address: str) -> None:
    """HEAD tells type and length, and sends nothing."""
    answer = client.head(address)
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == client.get(address).headers["Content-Length"]


def test_voice_by_itself(client: Client, predict: Predict, upload: Send) -> None:
    """Each of the uploads of a job is had under its own kind; one that the job never had is not found."""
    document = predict(audio_id=upload(kind="audio"))
    assert client.get(f"/jobs/{document['job_id']}/media/audio").content_type == "audio/wav"
    none = client.get(f"/jobs/{document['job_id']}/media/video")
    assert (none.status_code, none.json["code"]) == (404, "not_found")
    assert client.get(f"/jobs/{document['job_id']}/media/text").status_code == 404


def test_unknown_job(client: Client) -> None:
    """A job that is not there has no clip."""
    assert client.get(f"/jobs/{UUID(int=1)}/media/video").status_code == 404


def test_expired(client: Client, address: str, engine: Engine) -> None:
    """Once its time is over a clip is gone, whether or not the janitor has been there."""
    with engine.begin() as connection:
        connection.execute(update(Upload).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    answer = client.get(address)
    assert (answer.status_code, answer.json["code"]) == (410, "media_missing")


def test_removed(client: Client, address: str, engine: Engine, storage: Storage) -> None:
    """A clip whose file is gone, or whose row is, is gone and not an error of the service."""
    job_id = UUID(address.split("/")[2])
    for name in storage.names("uploads"):
        storage.delete(f"uploads/{name}")
    assert client.get(address).status_code == 410
    change(engine, job_id, media={"width": 640})
    with engine.begin() as connection:
        connection.execute(delete(Upload))
    assert client.get(address).json["code"] == "media_missing"


def test_of_somebody_else(settings: Settings, engine: Engine) -> None:
    """A clip is its owner's alone: with another key, or none, there is nothing."""
    client = client_of(create_app(settings.model_copy(update={"auth": "on"})))
    mine, other = (
        {"Authorization": f"Bearer {transact(engine, lambda session: create_key(session, 'x'))[1]}"}
        for _ in range(2)
    )
    upload_id = client.post("/upload/video", data=CLIP, headers=mine).json["id"]
    job_id = client.post("/predict", json={"video_id": upload_id}, headers=mine).json["job_id"]
    address = f"/jobs/{job_id}/media/video"
    assert client.get(address, headers=mine).data == CLIP
    assert client.get(address, headers=other).status_code == 404
    assert client.get(address).status_code == 401


def test_over_http(live: LiveApi, http: httpx.Client) -> None:
    """Under gunicorn too a range is no more than its bytes, and HEAD has no body."""
    clip = MP4 + bytes(range(256)) * 4096
    upload = http.post("/upload/video", content=clip).json()
    job = http.post("/predict", json={"video_id": upload["id"]}).json()
    address = f"{live.url}/jobs/{job['job_id']}/media/video"
    assert http.get(address, headers={"Range": "bytes=300000-900000"}).content == clip[300_000:900_001]
    assert http.head(address).headers["Content-Length"] == str(len(clip))
    assert http.get(address).content == clip
