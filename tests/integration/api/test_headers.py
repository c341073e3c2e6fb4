"""What browsers are told of answers of every kind, and what pages of other sites can make them do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Engine, text

from api import create_app
from api.access import SAFE_METHODS
from shared.settings import Settings
from shared.storage import Storage
from shared.tables import JobStatus, StageName
from tests.integration.api.conftest import Answer, Client, LiveApi, client_of, video
from tests.integration.api.rows import add_output, add_segment, change
from tests.integration.api.test_access import new_key
from tests.integration.conftest import services_of

OTHER = "https://evil.example"
NOWHERE = "/jobs/00000000-0000-0000-0000-000000000001"
ID = "00000000-0000-0000-0000-000000000002"
# What a form, or a script without leave, may send: CORS calls these simple.
SIMPLE = {
    "nothing": (b"", None),
    "plain text": (b'{"video_id": null}', "text/plain"),
    "a form": (b"all=true&video_id=", "application/x-www-form-urlencoded"),
    "a form with a file": (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        + video()
        + b"\r\n--b--\r\n",
        "multipart/form-data; boundary=b",
    ),
}
# Whose page it is, as browsers say it: old ones by Origin alone, all of them in one of these ways.
FOREIGN = {
    "another site": {"Origin": OTHER, "Sec-Fetch-Site": "cross-site"},
    "an old browser": {"Origin": OTHER},
    "a page without an origin": {"Origin": "null"},
    "another port of this machine": {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
    "a browser that hides origins": {"Sec-Fetch-Site": "cross-site"},
    "a neighbour, hidden": {"Sec-Fetch-Site": "same-site"},
}


def assert_safe(headers: Any) -> None:
    """Fail unless an answer is taken for what it is, and neither framed nor loaded by other sites."""
    parts = [part.strip() for part in headers["Content-Security-Policy"].split(";")]
    policy = dict(part.split(" ", 1) for part in parts if " " in part)  # type: ignore[misc]  # pairs
    assert policy["default-src"] in {"'none'", "'self'"}
    assert "sandbox" in parts or (policy["frame-ancestors"] == policy["base-uri"] == "'none'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Set-Cookie" not in headers
    # Each once: two policies are both obeyed, two of the others are not.
    names = [name.lower() for name, _ in headers.items()]
    assert len(names) == len(set(names))


@pytest.fixture
def job(client: Client, engine: Engine, storage: Storage) -> str:
    """The address of a job that has ended, with a picture."""
    upload = client.post("/upload/video", data=video()).json["id"]
    path = client.post("/predict", json={"video_id": upload}).headers["Location"]
    job_id = UUID(path.rpartition("/")[2])
    segment = add_segment(engine, job_id)
    add_output(engine, storage, segment, StageName.SOUND, mel_png=b"\x89PNG\r\n\x1a\n")
    change(engine, job_id, status=JobStatus.SUCCEEDED)
    return path


def answers(client: Client, job: str) -> Iterator[tuple[Answer, int]]:
    """Yield answers of every kind, each with the status that it has."""
    tag = client.get(job).headers["ETag"]
    page = client.get("/").text
    for path, status in [
        (job, 200),
        (f"{job}?wait=0", 200),
        ("/", 200),
        (re.findall(r'"(/page/[^"]+\.css)"', page)[0], 200),
        ("/page/facts.json", 200),
        ("/docs", 200),
        ("/docs/errors", 200),
        ("/docs/assets/css/swagger-ui.css", 200),
        ("/openapi.json", 200),
        ("/metrics", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/models", 200),
        ("/jobs", 200),
        (f"{job}/artifacts/mel.png", 200),
        (f"{job}/artifacts/timeline.csv", 200),
        (f"{job}/media/video", 200),
        (NOWHERE, 404),
        ("/no/such/thing", 404),
        ("/docs/assets/../../secret", 404),
        ("/jobs?limit=x", 422),
    ]:
        yield client.get(path), status
    yield client.get(job, headers={"If-None-Match": tag}), 304
    yield client.head(job), 200
    yield client.open("/predict", method="OPTIONS"), 200
    yield client.put("/predict"), 405
    yield client.post("/predict", data=b"{", content_type="application/json"), 400
    yield client.post("/predict", data=b"x" * 100_000, content_type="application/json"), 413
    yield client.get("/jobs", headers={"Host": "evil.example"}), 403
    yield client.delete(job), 204


def test_answers_of_every_kind_are_safe(client: Client, job: str) -> None:
    """Documents, pages, files, errors and empty answers all carry the headers that browsers need."""
    for answer, status in answers(client, job):
        assert answer.status_code == status
        assert_safe(answer.headers)


def test_answers_before_any_view_are_safe(settings: Settings) -> None:
    """So do a missing key and a preflight."""
    app = create_app(settings.model_copy(update={"auth": "on", "cors_origins": OTHER}))
    asked = {"Origin": OTHER, "Access-Control-Request-Method": "POST"}
    preflight = client_of(app).open("/predict", method="OPTIONS", headers=asked)
    refused = client_of(app).get("/jobs")
    assert (preflight.status_code, refused.status_code) == (204, 401)
    for answer in (preflight, refused):
        assert_safe(answer.headers)
    services_of(app).close()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /jobs?cursor=" + b"a" * 5_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /jobs HTTP/1.1\r\nCookie: " + b"a" * 9_000 + b"\r\n\r\n", 431),
        (b"GET /jobs HTTP/1.1\r\nno header\r\n\r\n", 400),
    ],
)
def test_refusals_of_the_server_itself_are_safe(live: LiveApi, request_: bytes, status: int) -> None:
    """What never reaches the application is answered with the same headers."""
    with live.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(request_)
        top = stream.read().partition(b"\r\n\r\n")[0].decode().splitlines()
    assert top[0].split()[1] == str(status)
    assert_safe(httpx.Headers([tuple(line.split(": ", 1)) for line in top[1:]]))  # type: ignore[misc]  # pairs


def changing(app: OpenAPI) -> list[tuple[str, str]]:
    """Return method and address of all that changes anything."""
    found = []
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
        path = re.sub(r"<[^>]+>", ID, path)
        found += [(method, path) for method in (rule.methods or ()) if method not in SAFE_METHODS]
    return sorted(found)


def everything(engine: Engine) -> list[Any]:
    """Return all rows that a request could have changed."""
    tables = ("uploads", "jobs", "batches")
    with engine.connect() as connection:
        return [connection.execute(text(f"SELECT * FROM {name} ORDER BY id")).all() for name in tables]  # noqa: S608 - ours


@pytest.mark.parametrize("page", FOREIGN)
def test_pages_of_other_sites_change_nothing(
    app: OpenAPI, client: Client, job: str, engine: Engine, page: str
) -> None:
    """While keys are off, no form and no script of another site's page is obeyed, whatever it sends where."""
    routes = changing(app)
    assert len(routes) >= 10
    before = everything(engine)
    for method, path in routes:
        own = path.replace(f"/jobs/{ID}", job)
        for data, kind in SIMPLE.values():
            answer = client.open(own, method=method, data=data, content_type=kind, headers=FOREIGN[page])
            assert (answer.status_code, answer.json["code"]) == (403, "forbidden"), (method, own)
    assert everything(engine) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {},
    ],
)
def test_own_pages_and_programs_may(client: Client, headers: dict[str, str]) -> None:
    """The service's own page, the user, and what is no browser change things as before."""
    assert client.post("/upload/video", data=video(), headers=headers).status_code == 201


def test_listed_pages_may(settings: Settings) -> None:
    """A page on the list may, though its browser says that it is another site's."""
    app = create_app(settings.model_copy(update={"cors_origins": OTHER}))
    answer = client_of(app).post("/upload/video", data=video(), headers=FOREIGN["another site"])
    assert answer.status_code == 201
    services_of(app).close()


def test_nothing_but_the_header_is_a_key(settings: Settings, engine: Engine) -> None:
    """A browser adds no key by itself: cookies, addresses and remembered logins do not count."""
    app = create_app(settings.model_copy(update={"auth": "on"}))
    secret = new_key(engine)["Authorization"].split()[1]
    ways: list[dict[str, Any]] = [
        {"headers": {"Cookie": f"Authorization=Bearer {secret}; key={secret}; session={secret}"}},
        {"query_string": {"key": secret, "access_token": secret, "Authorization": f"Bearer {secret}"}},
        {"auth": ("user", secret)},
        {"headers": {"X-Api-Key": secret, "Proxy-Authorization": f"Bearer {secret}"}},
        {"data": {"key": secret, "access_token": secret}},
    ]
    for method, path in [*changing(app), ("GET", "/jobs"), ("GET", f"/jobs/{ID}")]:
        for way in ways:
            if method == "GET" and "data" in way:
                continue
            answer = client_of(app).open(path, method=method, **way)
            assert (answer.status_code, "Set-Cookie" in answer.headers) == (401, False), (method, path, way)
    services_of(app).close()
