"""What a key may use at a time, on real servers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from api import create_app
from shared.database import transact
from shared.keys import create_key
from shared.settings import Settings
from shared.storage import Storage
from shared.tables import Job, JobStatus, Upload
from tests.integration.api.conftest import Answer, Client, client_of, job_id_of, serve, video
from tests.integration.api.rows import change
from tests.integration.conftest import services_of

Headers = dict[str, str]
NewKey = Callable[..., Headers]
Open = Callable[..., Client]
SIZE = len(video("a"))
AT_ONCE = 8


@pytest.fixture
def new_key(engine: Engine) -> NewKey:
    """Make a key with limits of its own, and return the header that it is sent in."""

    def make(**limits: int) -> Headers:
        _, secret = transact(engine, lambda session: create_key(session, "somebody", limits))
        return {"Authorization": f"Bearer {secret}"}

    return make


@pytest.fixture
def open_api(settings: Settings) -> Iterator[Open]:
    """Clients of APIs that ask for keys, with settings of their own."""
    made = []

    def start(**more: Any) -> Client:
        made.append(create_app(settings.model_copy(update={"auth": "on", **more})))
        return client_of(made[-1])

    yield start
    for app in made:
        services_of(app).close()


@pytest.fixture
def client(open_api: Open) -> Client:
    """A client of an API that sets no limits of its own."""
    return open_api()


def send(client: Client, key: Headers, mark: str = "a") -> Answer:
    return client.post("/upload/video", data=video(mark), headers=key)


def start(client: Client, key: Headers, upload: str, **headers: str) -> Answer:
    return client.post("/predict", json={"video_id": upload}, headers={**key, **headers})


def assert_refused(answer: Answer, sentence: str) -> None:
    """Fail unless an answer says what is used up, and when to come again."""
    assert (answer.status_code, answer.json["code"]) == (429, "quota_exceeded")
    assert sentence in answer.json["detail"]
    assert answer.headers["Retry-After"].isdigit()


def test_jobs_that_have_not_ended(client: Client, engine: Engine, new_key: NewKey) -> None:
    """A key gets no more jobs than it may have, until one ends; other keys have places of their own."""
    key, other = new_key(max_jobs=2), new_key(max_jobs=1)
    upload = send(client, key).json["id"]
    first, _ = [start(client, key, upload).json for _ in range(2)]
    assert_refused(start(client, key, upload), "may have 2 jobs waiting or running; it has 2")
    assert start(client, other, send(client, other).json["id"]).status_code == 202

    change(engine, job_id_of(first), status=JobStatus.RUNNING)
    assert_refused(start(client, key, upload), "it has 2")
    change(engine, job_id_of(first), status=JobStatus.SUCCEEDED)
    assert start(client, key, upload).status_code == 202


def test_what_is_asked_for_again_needs_no_place(client: Client, new_key: NewKey) -> None:
    """A request that comes again with its Idempotency-Key gets its job, also when no place is left."""
    key = new_key(max_jobs=1)
    upload = send(client, key).json["id"]
    made = [start(client, key, upload, **{"Idempotency-Key": "one"}).json["job_id"] for _ in range(2)]
    assert made[0] == made[1]


def test_jobs_tried_again(client: Client, engine: Engine, new_key: NewKey) -> None:
    """A job that is begun anew needs a place, too."""
    key = new_key(max_jobs=1)
    upload = send(client, key).json["id"]
    failed = start(client, key, upload).json
    change(engine, job_id_of(failed), status=JobStatus.FAILED)
    start(client, key, upload)
    again = f"/jobs/{failed['job_id']}/retry"
    assert_refused(client.post(again, headers=key), "it has 1, and one more was asked for")


def test_jobs_of_batches(client: Client, engine: Engine, new_key: NewKey) -> None:
    """All jobs of a chunk count, and it is taken whole or not at all; sent again, it needs no place."""
    key = new_key(max_jobs=3)
    upload = send(client, key).json["id"]
    path = client.post("/batches", json={}, headers=key).headers["Location"] + "/jobs"

    def add(many: int) -> Answer:
        jobs = [{"video_id": upload, "reference": f"{each}", "priority": "bulk"} for each in range(many)]
        return client.post(path, json={"jobs": jobs}, headers=key)

    assert_refused(add(4), "it has 0, and 4 more were asked for")
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 0
    assert [add(3).status_code for _ in range(2)] == [202, 202]
    assert_refused(start(client, key, upload), "it has 3")


def test_bytes_that_are_kept(client: Client, storage: Storage, engine: Engine, new_key: NewKey) -> None:
    """A key keeps no more bytes than it may; the same bytes count once, and erasing a job makes room."""
    key = new_key(max_bytes=2 * SIZE - 1)
    first = send(client, key, "a")
    # Also when there is no room for more.
    assert [send(client, key, "a").status_code for _ in range(2)] == [200, 200]
    refused = send(client, key, "b")
    assert_refused(refused, f"may keep {2 * SIZE - 1} bytes of uploads; it has {SIZE}")
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Upload)) == 1
    assert storage.names("uploads") == [first.json["id"]]

    job = start(client, key, first.json["id"]).headers["Location"]
    assert client.delete(job, headers=key).status_code == 204
    assert send(client, key, "b").status_code == 201


def test_what_can_only_be_too_much_is_not_stored(client: Client, new_key: NewKey) -> None:
    """A file larger than what is left and than all that is here is refused before its end."""
    key = new_key(max_bytes=2 * SIZE)
    send(client, key, "a")
    assert_refused(send(client, key, "b" * SIZE), "more than that leaves")


@pytest.mark.parametrize(
    ("own", "status"),
    [({}, 429), ({"max_bytes": 0}, 201), ({"max_bytes": SIZE}, 201), ({"max_jobs": 1}, 429)],
)
def test_limits_of_the_settings(open_api: Open, new_key: NewKey, own: dict[str, int], status: int) -> None:
    """The settings' limit is that of each key that has none of its own; 0 is none at all."""
    client = open_api(key_max_bytes=SIZE - 1)
    assert send(client, new_key(**own)).status_code == status


def test_limits_beyond_an_integer(open_api: Open, new_key: NewKey) -> None:
    """Bytes are counted beyond what 32 bits hold."""
    client = open_api(key_max_bytes=10**13)
    assert send(client, new_key()).status_code == 201
    assert send(client, new_key(max_bytes=10**14)).status_code == 201


def test_no_limits_without_keys(settings: Settings) -> None:
    """While keys are off, nobody has a limit."""
    limits = {"key_max_jobs": 1, "key_max_bytes": 1, "key_requests_per_minute": 1}
    app = create_app(settings.model_copy(update=limits))
    upload = client_of(app).post("/upload/video", data=video()).json["id"]
    for _ in range(2):
        assert client_of(app).post("/predict", json={"video_id": upload}).status_code == 202
    services_of(app).close()


@pytest.fixture
def limited(settings: Settings) -> Settings:
    """Settings of a server that asks for keys."""
    return settings.model_copy(update={"auth": "on"})


def test_requests_at_the_same_moment(limited: Settings, new_key: NewKey, tmp_path: Path) -> None:
    """However many come at once, the last place is given once: of jobs and of bytes."""
    key = new_key(max_jobs=3, max_bytes=3 * SIZE)
    with (
        serve(limited, tmp_path / "gunicorn.log") as live,
        httpx.Client(base_url=live.url, headers=key, timeout=30, trust_env=False) as http,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        sent = list(pool.map(lambda mark: http.post("/upload/video", content=video(mark)), "abcdefgh"))
        assert sorted(answer.status_code for answer in sent) == [201] * 3 + [429] * 5
        upload = next(answer.json()["id"] for answer in sent if answer.is_success)
        body = {"video_id": upload}
        asked = list(pool.map(lambda _: http.post("/predict", json=body), range(AT_ONCE)))
        assert sorted(answer.status_code for answer in asked) == [202] * 3 + [429] * 5


def test_requests_in_a_minute(limited: Settings, new_key: NewKey, tmp_path: Path) -> None:
    """All servers together count a key's requests, polls too; who made too many is told when to try again."""
    key, other = new_key(requests_per_minute=6), new_key(requests_per_minute=1)
    with (
        serve(limited, tmp_path / "first.log") as first,
        serve(limited, tmp_path / "second.log") as second,
        httpx.Client(headers=key, timeout=30, trust_env=False) as http,
    ):
        upload = http.post(f"{first.url}/upload/video", content=video()).json()["id"]
        job = http.post(f"{second.url}/predict", json={"video_id": upload})
        poll, tag = job.headers["Location"], job.headers["ETag"]
        known = {"If-None-Match": tag}
        polled = [
            http.get(f"{first.url}{poll}"),
            http.get(f"{second.url}{poll}", headers=known),
            http.get(f"{second.url}{poll}?wait=0"),
            http.get(f"{first.url}/jobs/{upload}"),
        ]
        assert [answer.status_code for answer in polled] == [200, 304, 200, 404]

        for url in (first.url, second.url):
            for path in (poll, "/models"):
                refused = http.get(f"{url}{path}")
                assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
                wait = refused.headers["Retry-After"]
                assert 1 <= int(wait) <= 60
                assert refused.headers["RateLimit-Policy"] == '"minute";q=6;w=60'
                assert refused.headers["RateLimit"] == f'"minute";r=0;t={wait}'
                assert re.search(rf"6 requests a minute.* in {wait} s", refused.json()["detail"])
        # Nobody else is refused for that, and what is open to all stays so.
        assert http.get(f"{first.url}/models", headers=other).status_code == 200
        assert http.get(f"{first.url}/openapi.json").status_code == 200


def test_requests_while_the_broker_is_away(open_api: Open, new_key: NewKey) -> None:
    """Nobody is refused because requests cannot be counted."""
    client, key = open_api(broker_url="redis://127.0.0.1:1/0"), new_key(requests_per_minute=1)
    assert [client.get("/models", headers=key).status_code for _ in range(3)] == [200] * 3
