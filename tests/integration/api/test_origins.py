from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Engine

from api import create_app
from api.origins import METHODS, REQUEST_HEADERS, RESPONSE_HEADERS
from shared.settings import Settings, read_origins
from tests.integration.api.conftest import Client, client_of, video
from tests.integration.api.test_access import new_key
from tests.integration.conftest import services_of

PAGE = "https://app.example"
OTHER = "https://evil.example"
AUTH = ["off", "on"]
Open = Callable[..., Client]


@pytest.fixture
def app_with(settings: Settings) -> Iterator[Callable[..., OpenAPI]]:
    """Applications that let pages of two origins call."""
    made: list[OpenAPI] = []

    def make(**more: str) -> OpenAPI:
        listed = {"cors_origins": f"http://localhost:3000, {PAGE}", **more}
        made.append(create_app(settings.model_copy(update=listed)))
        return made[-1]

    yield make
    for app in made:
        services_of(app).close()


@pytest.fixture
def open_api(app_with: Callable[..., OpenAPI]) -> Open:
    """Clients of such applications."""
    return lambda **more: client_of(app_with(**more))


def preflight(client: Client, path: str, origin: str, method: str = "POST", **more: str) -> dict[str, str]:
    headers = {"Origin": origin, "Access-Control-Request-Method": method, **more}
    answer = client.open(path, method="OPTIONS", headers=headers)
    return {"status": str(answer.status_code), **dict(answer.headers.items())}


def names(header: str) -> set[str]:
    return {name.strip() for name in header.split(",")}


def vary_of(answer_headers: dict[str, str]) -> set[str]:
    return names(answer_headers["Vary"])


@pytest.mark.parametrize("auth", AUTH)
@pytest.mark.parametrize("path", ["/predict", "/upload/video", "/jobs/00000000-0000-0000-0000-000000000001"])
def test_preflight(open_api: Open, auth: str, path: str) -> None:
    """A page on the list is told what it may send, before any key is asked for."""
    told = preflight(open_api(auth=auth), path, PAGE)
    assert told["status"] == "204"
    assert told["Access-Control-Allow-Origin"] == PAGE
    assert names(told["Access-Control-Allow-Methods"]) == names(METHODS)
    assert names(told["Access-Control-Allow-Headers"]) == names(REQUEST_HEADERS)
    assert int(told["Access-Control-Max-Age"]) > 0
    assert "Origin" in vary_of(told)
    assert "Access-Control-Allow-Credentials" not in told


@pytest.mark.parametrize("auth", AUTH)
@pytest.mark.parametrize(
    "origin", [OTHER, "null", "http://app.example", f"{PAGE}:8443", f"{PAGE}.evil.example"]
)
def test_preflight_of_others(open_api: Open, auth: str, origin: str) -> None:
    """A page that is not on the list is told nothing that would let its browser go on."""
    told = preflight(open_api(auth=auth), "/predict", origin)
    assert not [name for name in told if name.startswith("Access-Control")]
    assert "Origin" in vary_of(told)


def test_options_without_a_question(open_api: Open) -> None:
    """OPTIONS that is no preflight is answered as for everybody."""
    answer = open_api(auth="off").open("/predict", method="OPTIONS", headers={"Origin": PAGE})
    assert (answer.status_code, "POST" in answer.headers["Allow"]) == (200, True)
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


@pytest.mark.parametrize("auth", AUTH)
def test_answers_of_all_kinds(open_api: Open, engine: Engine, auth: str) -> None:
    """Documents, polls, 304s, streams, empty answers and errors can be read by pages on the list alone."""
    client, key = open_api(auth=auth), new_key(engine)
    made = client.post("/upload/video", data=video(), headers=key)
    job = client.post("/predict", json={"video_id": made.json["id"]}, headers=key)
    batch = client.post("/batches", json={}, headers=key)
    poll, tag = job.headers["Location"], job.headers["ETag"]
    calls = [
        ("GET", "/models", {}, 200),
        ("GET", poll, {}, 200),
        ("HEAD", poll, {}, 200),
        ("GET", poll, {"If-None-Match": tag}, 304),
        ("GET", f"{poll}?wait=0", {"If-None-Match": tag}, 304),
        ("GET", f"{batch.headers['Location']}/results.csv", {}, 200),
        ("GET", f"{poll}/artifacts/timeline.csv", {}, 200),
        ("GET", "/openapi.json", {}, 200),
        ("GET", "/jobs/00000000-0000-0000-0000-000000000001", {}, 404),
        ("GET", "/nowhere", {}, 404),
        ("POST", "/predict", {}, 400),
        ("DELETE", "/models", {}, 405),
        ("DELETE", poll, {}, 204),
    ]
    for method, path, headers, status in calls:
        for origin, expected in ((OTHER, None), (None, None), (PAGE, PAGE)):
            if method == "DELETE" and origin is not PAGE:
                continue
            more = {} if origin is None else {"Origin": origin}
            answer = client.open(path, method=method, headers={**key, **headers, **more})
            label = (method, path, origin)
            refused = auth == "off" and method == "POST" and origin is OTHER
            assert answer.status_code == (403 if refused else status), label
            assert answer.headers.get("Access-Control-Allow-Origin") == expected, label
            exposed = answer.headers.get("Access-Control-Expose-Headers", "")
            assert names(exposed) == (names(RESPONSE_HEADERS) if expected else {""}), label
            assert "Origin" in vary_of(dict(answer.headers.items())), label


def test_missing_key_can_be_read(open_api: Open) -> None:
    """A page on the list whose key is wrong is told so, instead of a failure of the network."""
    answer = open_api(auth="on").get("/jobs", headers={"Origin": PAGE})
    assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


@pytest.mark.parametrize(("origin", "status"), [(PAGE, 201), ("http://localhost:3000", 201), (OTHER, 403)])
def test_changes_while_keys_are_off(open_api: Open, origin: str, status: int) -> None:
    """While keys are off, pages on the list may change things, and no others."""
    answer = open_api(auth="off").post("/upload/video", data=video(), headers={"Origin": origin})
    assert answer.status_code == status


def test_other_host_names(open_api: Open) -> None:
    """Being on the list does not open host names that are not ours."""
    headers = {"Origin": PAGE, "Host": "evil.example"}
    answer = open_api(auth="off").post("/upload/video", data=video(), headers=headers)
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_nothing_without_a_list(client: Client) -> None:
    """Where no origin is listed, no answer speaks of origins."""
    for headers in ({}, {"Origin": PAGE}):
        told = client.get("/models", headers=headers).headers
        assert not [name for name, _ in told.items() if name.startswith("Access-Control") or name == "Vary"]


def test_preflights_are_counted(open_api: Open) -> None:
    """The metrics tell how many preflights came."""
    client = open_api(auth="off")
    preflight(client, "/predict", PAGE)
    assert 'method="OPTIONS",route="preflight",status="204"' in client.get("/metrics").text


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", set()),
        (" , ", set()),
        ("https://a.example", {"https://a.example"}),
        ("HTTPS://A.Example:443, http://b:80,http://b:81", {"https://a.example", "http://b", "http://b:81"}),
        ("http://[::1]:3000,capacitor://localhost", {"http://[::1]:3000", "capacitor://localhost"}),
        ("https://xn--bcher-kva.example", {"https://xn--bcher-kva.example"}),
    ],
)
def test_lists(text: str, origins: set[str]) -> None:
    """A list names origins, in the spelling of browsers or one that means the same."""
    assert read_origins(Settings(cors_origins=text).cors_origins) == origins


@pytest.mark.parametrize(
    "text",
    [
        *("*", "null", "a.example", "https://", "https://a.example/", "https://a.example/path", "file:///x"),
        *(
            "https://*.a.example",
            "https://a.example b.example",
            "https://me@a.example",
            "https://bücher.example",
        ),
        *("https://a.example:", "https://a.example:port", "https://a.example,*", "https://a.example\nX: y"),
    ],
)
def test_what_is_no_origin(text: str) -> None:
    """What is no origin, such as `*`, is refused when the service starts, with a sentence."""
    with pytest.raises(ValueError, match="is no origin"):
        Settings(cors_origins=text)
