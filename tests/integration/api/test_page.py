from __future__ import annotations

import gzip
import posixpath
import re

import pytest

from api import create_app
from api.page.files import PLOTLY, STATIC, index, names, version
from shared.settings import Settings
from tests.integration.api.conftest import Client, client_of
from tests.integration.conftest import services_of

# A file may be no longer than a person reads in one go.
MOST_LINES = 250
REFERENCE = re.compile(r"""(?:from|import)\s*\(?\s*"(\.[^"]+)"|new URL\("(\.[^"]+)", import\.meta""")
ZIPPED = {"Accept-Encoding": "gzip"}


def address(name: str, folder: str | None = None) -> str:
    return f"/page/{folder or version()}/{name}"


def test_the_page_may_load_nothing_from_elsewhere(client: Client) -> None:
    """The page's policy knows no other host, no inline script and no frame, and the camera is its own."""
    answer = client.get("/")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert not re.search(r"unsafe|https?:|\*", policy)
    assert answer.headers["Permissions-Policy"].startswith("camera=(self), microphone=(self)")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|https?://", answer.text)
    assert client.get("/", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_every_file_that_is_named_is_there(client: Client) -> None:
    """What the page, its modules and its pictures name can be had, with the type that browsers insist on."""
    wanted = set(re.findall(rf"{address('')}([^\"]+)", index().body.decode()))
    assert {"app.js", "mark.svg", "styles/base.css"} <= wanted
    for name in names():
        if name.endswith(".js"):
            for pair in REFERENCE.findall((STATIC / name).read_text()):
                wanted.add(posixpath.normpath(posixpath.join(posixpath.dirname(name), *pair)))
    types = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    for name in sorted(wanted):
        answer = client.get(address(name))
        assert answer.status_code == 200, name
        assert answer.content_type.startswith(types[name.rpartition(".")[2]]), name
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_versions_are_kept(client: Client) -> None:
    """A file under its version's name is kept for good, under an older one it is asked for again."""
    answer = client.get(address("app.js"))
    assert "immutable" in answer.headers["Cache-Control"]
    old = client.get(address("app.js", "0000000000000000"))
    assert (old.status_code, old.headers["Cache-Control"]) == (200, "no-cache")
    assert old.data == answer.data
    again = client.get(address("app.js"), headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_files_are_sent_compressed(client: Client) -> None:
    """Who takes gzip gets it, under a tag of its own; Plotly's script comes from its wheel that way too."""
    plain, zipped = client.get(address("app.js")), client.get(address("app.js"), headers=ZIPPED)
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.data) == plain.data
    assert plain.headers["ETag"] != zipped.headers["ETag"]
    assert plain.headers["Vary"] == zipped.headers["Vary"] == "Accept-Encoding"
    assert b"plotly.js v" in gzip.decompress(client.get(address(PLOTLY), headers=ZIPPED).data)[:200]


@pytest.mark.parametrize(
    "name", ["nothing.js", "index.html", "../files.py", "..%2ffiles.py", "styles", "styles/../../files.py"]
)
def test_no_other_file_is_served(client: Client, name: str) -> None:
    """Only the page's own files can be had, however a path is written."""
    assert client.get(address(name)).status_code == 404


def test_the_page_is_open_while_keys_are_on(settings: Settings) -> None:
    """The page and the facts it goes by need no key: they say nothing about anybody."""
    made = create_app(settings.model_copy(update={"auth": "on", "max_upload_bytes": 5_000_000}))
    client = client_of(made)
    assert client.get("/").status_code == 200
    assert client.get(address("app.js")).status_code == 200
    facts = client.get("/page/facts.json").json
    assert facts["keys_required"] is True
    assert facts["max_upload_bytes"] == 5_000_000
    assert client.get("/jobs").status_code == 401
    services_of(made).close()


def test_facts_are_the_contracts(client: Client) -> None:
    """The bounds that the page's form checks are those that the API checks."""
    facts = client.get("/page/facts.json").json
    assert facts["window_s"] == {"value": 2.0, "min": 0.25, "max": 30}
    assert facts["rules"] == {"most": 16, "affect": ["valence", "arousal"]}
    most = facts["rules"]["most"]
    body = {"rules": [{"when": "anger", "over": 0.5}] * (most + 1), "video_id": None}
    assert "rules" in {error["field"] for error in client.post("/predict", json=body).json["errors"]}


def test_files_are_short() -> None:
    """Modules and sheets keep to the length that all files of the project keep to."""
    long = {name: (STATIC / name).read_text().count("\n") for name in names()}
    assert {name: lines for name, lines in long.items() if lines > MOST_LINES} == {}
