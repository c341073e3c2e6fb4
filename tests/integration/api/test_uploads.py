from __future__ import annotations

import hashlib
import io
import socket
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from flask_openapi3.openapi import OpenAPI
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

import api.bodies
from api import create_app
from api.requests import patience
from shared.database import transact
from shared.keys import create_key
from shared.settings import Settings
from shared.storage import Storage
from shared.tables import Job, Upload, UploadState
from tests.integration.api.conftest import Client, Predict, client_of, job_id_of, sound, video
from tests.integration.conftest import services_of


def rows(engine: Engine) -> list[Upload]:
    with Session(engine) as session:
        return list(session.scalars(select(Upload)))


def form(data: bytes, field: str = "file", name: str = "clip.mp4") -> dict[str, object]:
    return {"data": {field: (io.BytesIO(data), name)}, "content_type": "multipart/form-data"}


def test_raw_body_is_stored(client: Client, engine: Engine, storage: Storage) -> None:
    """A raw body is stored byte for byte under its row's key, and described as found."""
    data = video("a") * 1000
    answer = client.post("/upload/video", data=data, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 201
    [row] = rows(engine)
    assert storage.read(row.storage_key) == data
    assert answer.json["id"] == str(row.id)
    assert answer.json["sha256"] == row.sha256 == hashlib.sha256(data).hexdigest()
    assert answer.json["size_bytes"] == row.size_bytes == len(data)
    assert (answer.json["kind"], answer.json["media_type"]) == ("video", "video/mp4")
    assert (row.state, row.demuxer) == (UploadState.STORED, "mov")


def test_form_field_is_stored(client: Client, engine: Engine, storage: Storage) -> None:
    """The field `file` of a form is stored without the form around it; other fields are ignored."""
    data = video("\r\n--") * 100_000
    answer = client.post(
        "/upload/video",
        data={"note": "x" * 1000, "file": (io.BytesIO(data), "clip.mp4"), "after": "y"},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 201
    [row] = rows(engine)
    assert storage.read(row.storage_key) == data


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", 'a\\"b\\\\c', "new%0D%0Aline", "a\r\n line", "🙂.mp4", "a" * 5000]
)
def test_file_names_are_ignored(client: Client, storage: Storage, name: str) -> None:
    """Whatever a file is called, it lies under its upload's id."""
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    answer = client.post(
        "/upload/video",
        data=head + video() + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.status_code == 201
    assert answer.json["size_bytes"] == len(video())
    assert storage.names("uploads") == [answer.json["id"]]


def test_same_bytes_give_the_same_upload(client: Client, engine: Engine, storage: Storage) -> None:
    """The same bytes again answer 200 with the first upload, whose time begins anew."""
    first = client.post("/upload/video", data=video())
    with engine.begin() as connection:
        connection.execute(update(Upload).values(expires_at=datetime.now(UTC) + timedelta(minutes=1)))
    second = client.post("/upload/video", **form(video()))
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json["id"] == first.json["id"]
    assert second.json["expires_at"] >= first.json["expires_at"]
    assert storage.names("uploads") == [first.json["id"]]
    assert len(rows(engine)) == 1


def test_kinds_are_kept_apart(client: Client, engine: Engine) -> None:
    """The same bytes as video and as audio are two uploads."""
    assert client.post("/upload/video", data=video()).status_code == 201
    assert client.post("/upload/audio", data=video()).status_code == 201
    assert len(rows(engine)) == 2


def test_lost_file_is_replaced(client: Client, engine: Engine, storage: Storage) -> None:
    """An upload whose file is gone is replaced by the next upload of the same bytes."""
    first = client.post("/upload/video", data=video()).json["id"]
    storage.delete(f"uploads/{first}")
    second = client.post("/upload/video", data=video())
    assert second.status_code == 201
    assert [str(row.id) for row in rows(engine)] == [second.json["id"]]
    assert storage.exists(f"uploads/{second.json['id']}")


def test_jobs_go_on_with_the_bytes_that_come_again(
    client: Client, predict: Predict, engine: Engine, storage: Storage
) -> None:
    """Of jobs whose upload's file is gone, those that wait get the new one; those that ended have none."""
    made = predict()
    lost, waiting = made["options"]["video_id"], job_id_of(made)
    ended = job_id_of(predict(video_id=lost, fusion="late"))
    client.post(f"/jobs/{ended}/cancel")
    storage.delete(f"uploads/{lost}")

    again = client.post("/upload/video", data=video())

    assert (again.status_code, again.json["id"] == lost) == (201, False)
    with Session(engine) as session:
        found = {job.id: job.video_id for job in session.scalars(select(Job))}
    assert found == {waiting: UUID(again.json["id"]), ended: None}


def test_video_container_is_taken_as_audio(client: Client) -> None:
    """A video container may be uploaded for its sound."""
    assert client.post("/upload/audio", data=video()).json["kind"] == "audio"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"Dear diary,\n" * 1000, "looks like text"),
        ("Füße, 東京\n".encode() * 1000, "looks like text"),
        (b"PK\x03\x04" + bytes(100), "ZIP"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG"),
        (bytes(5000), "no format known here"),
        (b"\x1f\x8b\x08" + bytes(50), "gzip"),
    ],
)
def test_other_files_are_refused(
    client: Client, engine: Engine, storage: Storage, data: bytes, words: str
) -> None:
    """Bytes that are no media are refused with what they look like, and nothing is kept."""
    for answer in (client.post("/upload/video", data=data), client.post("/upload/audio", **form(data))):
        assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media")
        assert words in answer.json["detail"]
    assert rows(engine) == []
    assert storage.names("uploads") == []


def test_sound_alone_is_no_video(client: Client) -> None:
    """A pure audio format sent as video is refused with the address it belongs to."""
    answer = client.post("/upload/video", data=sound())
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media")
    assert "/upload/audio" in answer.json["detail"]


@pytest.mark.parametrize("kwargs", [{"data": b""}, form(b"")])
def test_empty_upload_is_refused(client: Client, engine: Engine, kwargs: dict[str, object]) -> None:
    """An upload without bytes is refused as such."""
    answer = client.post("/upload/video", **kwargs)
    assert (answer.status_code, answer.json["code"]) == (400, "empty_upload")
    assert rows(engine) == []


PART = b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\n"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"no boundary at all", "upload_incomplete"),
        (PART + video(), "upload_incomplete"),
        (PART + video() + b"\r\n--x\r\n", "upload_incomplete"),
        (b"--x\r\nContent-Disposition: form-data; name=other\r\n\r\nx\r\n--x--", "malformed_request"),
        (b"--x\r\nContent-Type: text/plain\r\n\r\nx\r\n--x--\r\n", "malformed_request"),
        (b"x" * 5_000_000, "malformed_request"),
        (b"--x\r\nContent-Disposition: " + b"x" * 5_000_000, "malformed_request"),
    ],
)
def test_broken_forms_are_refused(
    client: Client, engine: Engine, storage: Storage, body: bytes, code: str
) -> None:
    """A form that cannot be taken apart, has no file or breaks off is refused; nothing is kept."""
    answer = client.post("/upload/video", data=body, content_type="multipart/form-data; boundary=x")
    assert (answer.status_code, answer.json["code"]) == (400, code)
    assert rows(engine) == []
    assert storage.names("uploads") == []


def test_second_file_is_refused(client: Client, storage: Storage) -> None:
    """A form with two files is refused, and neither is kept."""
    files = [(io.BytesIO(video()), "a.mp4"), (io.BytesIO(video("b")), "b.mp4")]
    answer = client.post("/upload/video", data={"file": files}, content_type="multipart/form-data")
    assert (answer.status_code, answer.json["code"]) == (400, "malformed_request")
    assert storage.names("uploads") == []


@pytest.mark.parametrize("as_form", [False, True])
def test_size_limit(settings: Settings, engine: Engine, storage: Storage, as_form: bool) -> None:
    """An upload of the largest size is taken; one byte more is refused and nothing of it is kept."""
    app = create_app(settings.model_copy(update={"max_upload_bytes": 3_000_000}))
    client = client_of(app)
    for extra, status in ((0, 201), (1, 413)):
        data = video().ljust(3_000_000 + extra, b"\x01")
        answer = client.post("/upload/video", **form(data) if as_form else {"data": data})
        assert answer.status_code == status
    assert answer.json["code"] == "media_too_large"
    assert len(rows(engine)) == len(storage.names("uploads")) == 1
    services_of(app).close()


def test_storage_away(client: Client, engine: Engine, settings: Settings) -> None:
    """When storage cannot be used the answer is 503; the row that is left never became an upload."""
    folder = settings.data_dir / "storage"
    folder.rmdir()
    folder.write_bytes(b"a file in the way")
    answer = client.post("/upload/video", data=video())
    assert (answer.status_code, answer.json["code"]) == (503, "service_unavailable")
    assert "Retry-After" in answer.headers
    assert [row.state for row in rows(engine)] == [UploadState.RECEIVING]


def test_client_that_stalls(
    client: Client, engine: Engine, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that stays connected but sends nothing more is given up, and nothing is kept."""
    monkeypatch.setattr(api.bodies, "patience", partial(patience, limit_s=0.2))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(video().ljust(10_000, b"x"))
        answer = client.post(
            "/upload/video",
            environ_overrides={
                "gunicorn.socket": ours,
                "wsgi.input": ours.makefile("rb"),
                "CONTENT_LENGTH": "1000000",
            },
        )
        assert ours.gettimeout() is None
    assert (answer.status_code, answer.json["code"]) == (400, "upload_incomplete")
    assert rows(engine) == []
    assert storage.names("uploads") == []


def test_row_comes_before_the_file(app: OpenAPI, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """While bytes are being stored, a row that says so is there for all to see."""
    kit = services_of(app)
    seen: list[UploadState] = []
    writer = kit.storage.writer

    def look(key: str) -> object:
        seen.extend(row.state for row in rows(engine) if row.storage_key == key)
        return writer(key)

    monkeypatch.setattr(kit.storage, "writer", look)
    assert client_of(app).post("/upload/video", data=video()).status_code == 201
    assert seen == [UploadState.RECEIVING]


def test_given_up_upload(
    app: OpenAPI, engine: Engine, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload whose row the janitor removed meanwhile is refused, and its file removed."""
    kit = services_of(app)
    writer = kit.storage.writer

    def lose_row(key: str) -> object:
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM uploads"))
        return writer(key)

    monkeypatch.setattr(kit.storage, "writer", lose_row)
    answer = client_of(app).post("/upload/video", data=video())
    assert (answer.status_code, answer.json["code"]) == (400, "upload_incomplete")
    assert storage.names("uploads") == []


def test_bytes_are_found_by_their_hash(
    settings: Settings, client: Client, engine: Engine, storage: Storage
) -> None:
    """A file is asked for by its hash: found if it is whole, of this kind, unexpired and the caller's own."""
    data = video("a")
    address = f"/upload/video?sha256={hashlib.sha256(data).hexdigest()}"
    assert client.get(address).status_code == 404

    made = client.post("/upload/video", data=data).json
    assert client.get(address).json == made
    assert client.get(address.replace("video", "audio")).json["code"] == "not_found"
    keyed = client_of(create_app(settings.model_copy(update={"auth": "on"})))
    _, secret = transact(engine, lambda session: create_key(session, "other"))
    assert keyed.get(address, headers={"Authorization": f"Bearer {secret}"}).status_code == 404
    for wrong in ("", "?sha256=", "?sha256=" + "g" * 64, "?sha256=" + "A" * 64):
        assert client.get("/upload/video" + wrong).status_code == 422

    storage.delete(f"uploads/{made['id']}")
    assert client.get(address).status_code == 404
    assert client.post("/upload/video", data=data).status_code == 201
    with engine.begin() as connection:
        connection.execute(update(Upload).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert client.get(address).status_code == 404
