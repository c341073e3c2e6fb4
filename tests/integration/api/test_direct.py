"""Large files that clients send to the object store themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import Engine, func, select, update

from api import create_app
from shared.database import transact
from shared.keys import create_key
from shared.settings import Settings
from shared.storage import Storage
from shared.tables import Upload
from tests.integration.api.conftest import Client, client_of, sound, video
from tests.integration.api.test_access import new_key
from tests.integration.conftest import services_of
from tests.object_store import ObjectStore
from worker.purge import drop_uploads
from worker.sweep import sweep
from worker.toolkit import Toolkit

CLIP = video("clip")


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    with ObjectStore() as store:
        yield store


@pytest.fixture
def settings(settings: Settings, store: ObjectStore) -> Settings:
    return Settings(**settings.model_dump() | store.settings(s3_direct_bytes=16, max_upload_bytes=1000))


def ask(client: Client, data: bytes = CLIP, kind: str = "video") -> Any:
    body = {"size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return client.post(f"/upload/{kind}/direct", json=body)


def put(ticket: Any, data: bytes = CLIP) -> None:
    answer = httpx.put(
        ticket["url"], content=data, headers={**ticket["headers"], "Content-Length": str(len(data))}
    )
    assert answer.status_code == 200, answer.text


def count(engine: Engine) -> int:
    return int(transact(engine, lambda session: session.scalars(select(func.count(Upload.id))).one()))


def test_a_large_file_goes_to_the_store(client: Client, store: ObjectStore, engine: Engine) -> None:
    """The client PUTs the file, says so, and has an upload like any other; nothing else is left."""
    ticket = ask(client)
    assert ticket.status_code == 201
    put(ticket.json)

    done = client.post(ticket.json["done"])

    assert done.status_code == 201
    assert done.json["media_type"] == "video/mp4"
    assert (done.json["size_bytes"], done.json["sha256"]) == (len(CLIP), hashlib.sha256(CLIP).hexdigest())
    assert store.names() == [f"some/where/uploads/{done.json['id']}"]
    assert count(engine) == 1
    assert client.post("/predict", json={"video_id": done.json["id"]}).status_code == 202
    assert client.post(ticket.json["done"]).status_code == 404
    again = ask(client)
    assert (again.status_code, again.json["id"]) == (200, done.json["id"])


def test_size_and_hash_are_signed(client: Client) -> None:
    """The link is good for these very bytes and for a PUT alone."""
    signed = httpx.URL(ask(client).json["url"]).params["X-Amz-SignedHeaders"].split(";")
    assert {"content-length", "x-amz-checksum-sha256"} <= set(signed)


@pytest.mark.parametrize(
    "refused",
    [
        (CLIP, CLIP[:-1] + b"!", "upload_incomplete"),
        (CLIP, CLIP[:-1], "upload_incomplete"),
        (b"no media, but text of some length", b"no media, but text of some length", "unsupported_media"),
    ],
    ids=["other bytes", "fewer bytes", "no media"],
)
def test_nothing_is_believed(
    client: Client, store: ObjectStore, engine: Engine, refused: tuple[bytes, bytes, str]
) -> None:
    """Other bytes than were meant, and no media, are refused and not kept, whatever the store took."""
    meant, sent, code = refused
    ticket = ask(client, meant).json
    name = f"some/where/incoming/{ticket['id']}"
    # As a store would that does not look at checksums.
    store.client.put_object(Bucket="clips", Key=name, Body=sent)

    assert client.post(ticket["done"]).json["code"] == code

    assert store.names() == []
    assert count(engine) == 0


def test_a_file_that_is_not_there_yet(client: Client) -> None:
    """Saying too early that it is there costs nothing: the ticket stays good."""
    ticket = ask(client).json
    assert client.post(ticket["done"]).json["code"] == "upload_incomplete"
    put(ticket)
    assert client.post(ticket["done"]).status_code == 201


def test_tickets_that_are_refused(client: Client) -> None:
    """Files that are too large or too small, and tickets of another kind or nobody's, are refused."""
    assert ask(client, b"x" * 1001).json["code"] == "media_too_large"
    assert ask(client, b"x" * 15).json["code"] == "invalid_request"
    ticket = ask(client, sound(), "audio").json
    assert client.post(ticket["done"].replace("audio", "video")).status_code == 404
    assert client.post(f"/upload/video/direct/{uuid4()}/done").status_code == 404


def test_files_of_tickets_that_nobody_ends(
    client: Client, store: ObjectStore, engine: Engine, settings: Settings, storage: Storage
) -> None:
    """The janitor removes a file whose ticket was left, and one that came after its ticket was gone."""
    ticket = ask(client).json
    put(ticket)
    kit = Toolkit(settings, engine, storage)
    sweep(kit)
    drop_uploads(kit)
    assert len(store.names()) == 1
    old = datetime.now(UTC) - timedelta(days=1)
    late = update(Upload).where(Upload.id == UUID(ticket["id"])).values(created_at=old)
    transact(engine, lambda session: session.execute(late))

    drop_uploads(kit)
    assert store.names() == []
    put(ticket)
    store.age(1000)
    sweep(kit)

    assert store.names() == []
    assert count(engine) == 0


def test_an_upload_is_no_ticket(client: Client) -> None:
    """An ordinary upload cannot be taken in a second time."""
    made = client.post("/upload/video", data=CLIP).json
    assert client.post(f"/upload/video/direct/{made['id']}/done").status_code == 404


def test_only_where_it_is_wanted(settings: Settings) -> None:
    """Without the setting, or with a folder for storage, there are no such addresses."""
    for without in ({"s3_direct_bytes": None}, {"storage_url": None}):
        app = create_app(Settings(**settings.model_dump() | without))
        assert ask(client_of(app)).status_code == 404
        services_of(app).close()


def test_a_ticket_is_its_owners(settings: Settings, engine: Engine) -> None:
    """Somebody else's key does not end a ticket; no key does not begin one."""
    app = create_app(Settings(**settings.model_dump() | {"auth": "on"}))
    client = client_of(app)
    mine, theirs = new_key(engine), new_key(engine)
    body = {"size_bytes": len(CLIP), "sha256": hashlib.sha256(CLIP).hexdigest()}
    assert client.post("/upload/video/direct", json=body).status_code == 401
    ticket = client.post("/upload/video/direct", json=body, headers=mine).json
    put(ticket)
    assert client.post(ticket["done"], headers=theirs).status_code == 404
    assert client.post(ticket["done"], headers=mine).status_code == 201
    services_of(app).close()


def test_announced_files_need_room(settings: Settings, engine: Engine, store: ObjectStore) -> None:
    """A key announces no more bytes than it may keep, and one that finds none in the end is not kept."""
    app = create_app(Settings(**settings.model_dump() | {"auth": "on"}))
    client = client_of(app)
    _, secret = transact(engine, lambda session: create_key(session, "x", {"max_bytes": 2 * len(CLIP) - 1}))
    mine = {"Authorization": f"Bearer {secret}"}

    def announce(data: bytes) -> Any:
        body = {"size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        return client.post("/upload/video/direct", json=body, headers=mine)

    ticket = announce(CLIP).json
    assert announce(video("clap")).json["code"] == "quota_exceeded"
    with engine.begin() as connection:
        long_ago = func.now() - timedelta(hours=2)
        connection.execute(update(Upload).values(created_at=long_ago))
    # The first was never sent, it seems.
    later = announce(video("clap")).json
    for each, data in ((ticket, CLIP), (later, video("clap"))):
        put(each, data)
    assert client.post(ticket["done"], headers=mine).status_code == 201
    refused = client.post(later["done"], headers=mine)
    assert (refused.status_code, refused.json["code"]) == (429, "quota_exceeded")
    assert len(store.names()) == 1
    services_of(app).close()
