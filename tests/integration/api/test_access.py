from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Engine

from api import create_app
from shared.database import transact
from shared.keys import create_key, list_keys, revoke_key
from shared.settings import Settings
from tests.integration.api.conftest import Client, client_of, video
from tests.integration.conftest import services_of

Key = dict[str, str]


@pytest.fixture
def locked(settings: Settings) -> Iterator[OpenAPI]:
    """The API with keys on."""
    app = create_app(settings.model_copy(update={"auth": "on"}))
    yield app
    services_of(app).close()


@pytest.fixture
def client(locked: OpenAPI) -> Client:
    return client_of(locked)


def new_key(engine: Engine, name: str = "somebody") -> Key:
    _, secret = transact(engine, lambda session: create_key(session, name))
    return {"Authorization": f"Bearer {secret}"}


def start(client: Client, key: Key, **headers: str) -> dict[str, Any]:
    video_id = client.post("/upload/video", data=video(), headers=key).json["id"]
    answer = client.post("/predict", json={"video_id": video_id}, headers={**key, **headers})
    assert answer.status_code == 202
    document: dict[str, Any] = answer.json
    return document


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/jobs"),
        ("get", "/jobs/00000000-0000-0000-0000-000000000001"),
        ("delete", "/jobs/00000000-0000-0000-0000-000000000001"),
        ("get", "/jobs/00000000-0000-0000-0000-000000000001/artifacts/result.json"),
        ("post", "/predict"),
        ("post", "/upload/video"),
        ("get", "/models"),
        ("get", "/no/such/thing"),
    ],
)
@pytest.mark.parametrize("word", [None, "Bearer", "Bearer ", "Bearer wrong", "Basic dTpw", "Bearer \xff"])
def test_key_is_needed(client: Client, method: str, path: str, word: str | None) -> None:
    """Nothing about jobs is said or done without a valid key."""
    headers = {} if word is None else {"Authorization": word}
    answer = getattr(client, method)(path, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/docs/errors", "/openapi.json", "/healthz", "/readyz", "/metrics"]
)
def test_open_to_all(client: Client, path: str) -> None:
    """What says nothing about jobs needs no key."""
    assert client.get(path).status_code == 200


def test_each_key_sees_its_own(client: Client, engine: Engine) -> None:
    """Jobs and uploads of another key are as if they were not there."""
    mine, other = new_key(engine), new_key(engine)
    made = start(client, mine)
    address = f"/jobs/{made['job_id']}"
    assert client.get(address, headers=mine).status_code == 200
    tag = client.get(address, headers=mine).headers["ETag"]
    assert client.get(address, headers=other).status_code == 404
    assert client.get(address, headers={**other, "If-None-Match": tag}).status_code == 404
    assert client.get(f"{address}?wait=5", headers=other).status_code == 404
    assert client.get(f"{address}/artifacts/result.json", headers=other).status_code == 404
    assert client.get("/jobs", headers=other).json["jobs"] == []
    for call in (client.post(f"{address}/cancel", headers=other), client.delete(address, headers=other)):
        assert call.status_code == 404
    body = {"video_id": made["options"]["video_id"]}
    assert client.post("/predict", json=body, headers=other).status_code == 404
    assert client.get(address, headers=mine).json == made


def test_same_bytes_of_two_keys(client: Client, engine: Engine) -> None:
    """The same bytes under two keys are two uploads: none can tell that the other has them."""
    answers = [client.post("/upload/video", data=video(), headers=new_key(engine)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json["id"] != answers[1].json["id"]


def test_same_idempotency_key_of_two_keys(client: Client, engine: Engine) -> None:
    """Idempotency keys of different owners do not meet."""
    headers = {"Idempotency-Key": "one"}
    made = [start(client, new_key(engine), **headers)["job_id"] for _ in range(2)]
    assert made[0] != made[1]


def test_revoked_key(client: Client, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A revoked key is valid no longer than it is remembered."""
    key_id, secret = transact(engine, lambda session: create_key(session, "leaver"))
    headers = {"Authorization": f"bearer {secret}"}
    assert client.get("/jobs", headers=headers).status_code == 200
    assert transact(engine, lambda session: revoke_key(session, key_id))
    assert not transact(engine, lambda session: revoke_key(session, key_id))
    monkeypatch.setattr(time, "monotonic", lambda: 1e12)
    assert client.get("/jobs", headers=headers).status_code == 401


def test_secrets_are_not_kept(engine: Engine, settings: Settings) -> None:
    """Of a key only its hash is stored."""
    assert settings is not None
    key_id, secret = transact(engine, lambda session: create_key(session, "somebody"))
    [row] = transact(engine, list_keys)
    assert (row.id, row.name) == (key_id, "somebody")
    assert secret not in row.sha256
    assert len(secret) > 40


@pytest.mark.parametrize(
    ("auth", "host", "needed"),
    [
        ("auto", "127.0.0.1", False),
        ("auto", "127.8.9.1", False),
        ("auto", "::1", False),
        ("auto", "localhost", False),
        ("auto", "0.0.0.0", True),  # noqa: S104 - nothing listens there
        ("auto", "::", True),
        ("auto", "192.168.1.5", True),
        ("auto", "example.org", True),
        ("off", "0.0.0.0", False),  # noqa: S104 - the same
        ("on", "127.0.0.1", True),
    ],
)
def test_when_keys_are_on(auth: str, host: str, needed: bool) -> None:
    """Keys are off on loopback, on anywhere else, or as told."""
    assert Settings(auth=auth, host=host).keys_required is needed


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8000", 200),
        ("LOCALHOST", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("192.168.1.5", 200),
        ("trusted.example", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("", 403),
        ("[::1", 403),
    ],
)
def test_host_names(settings: Settings, host: str, status: int) -> None:
    """While keys are off, only names that cannot be turned against us are answered to."""
    app = create_app(settings.model_copy(update={"trusted_hosts": "other.example, Trusted.example"}))
    address = f"/jobs/{start(client_of(app), {})['job_id']}"
    for path in ("/jobs", address):
        assert client_of(app).get(path, headers={"Host": host}).status_code == status
    services_of(app).close()


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 201),
        ("http://localhost", 201),
        ("https://localhost", 201),
        ("http://evil.example", 403),
        ("http://localhost:8000", 403),
        ("null", 403),
    ],
)
def test_origins(app: OpenAPI, origin: str | None, status: int) -> None:
    """While keys are off, pages of other sites may not change anything."""
    headers = {} if origin is None else {"Origin": origin}
    answer = client_of(app).post("/upload/video", data=video(), headers=headers)
    assert answer.status_code == status


def test_keys_need_no_origin(client: Client, engine: Engine) -> None:
    """With a key, requests may come from any page and any name."""
    headers = {**new_key(engine), "Origin": "https://app.example", "Host": "api.example"}
    assert client.post("/upload/video", data=video(), headers=headers).status_code == 201
