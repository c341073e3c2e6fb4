"""Files that the API leaves to storage: an object store, by links that do not live long."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest
from sqlalchemy import Engine

from shared.settings import Settings
from shared.storage import Storage
from shared.tables import StageName
from tests.integration.api.conftest import Client, Predict, Upload, video
from tests.integration.api.rows import add_output, add_segment
from tests.object_store import ObjectStore
from tests.servers import wait_until

PNG = b"\x89PNG picture"
TABLE = b"frame, x\n1, 2\n"


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    with ObjectStore() as store:
        yield store


@pytest.fixture(params=[True, False], ids=["links", "no links"])
def linked(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def settings(settings: Settings, store: ObjectStore, linked: bool) -> Settings:
    given = settings.model_dump() | store.settings(s3_presign=linked)
    return Settings(**given)


def fetch(client: Client, path: str, *, linked: bool, **headers: str) -> tuple[int, bytes, str, str]:
    """Return what a browser gets for an address: status, bytes, type and disposition."""
    answer = client.get(path, headers=headers)
    if not linked:
        found = answer.headers
        return answer.status_code, answer.data, answer.content_type, found["Content-Disposition"]
    assert answer.status_code == 307
    assert answer.headers["Cache-Control"] == "private, no-store"
    followed = httpx.get(answer.headers["Location"], headers=headers, trust_env=False)
    return (
        followed.status_code,
        followed.content,
        followed.headers["Content-Type"],
        followed.headers["Content-Disposition"],
    )


def test_clip(client: Client, predict: Predict, upload: Upload, linked: bool) -> None:
    """A clip comes whole and by ranges, as media and nothing else; HEAD is never sent elsewhere."""
    job_id = predict(video_id=upload("clip"))["job_id"]
    path, shown = f"/jobs/{job_id}/media/video", ("video/mp4", f'inline; filename="{job_id}-video"')

    assert fetch(client, path, linked=linked) == (200, video("clip"), *shown)
    assert fetch(client, path, linked=linked, Range="bytes=4-9") == (206, video("clip")[4:10], *shown)
    assert client.head(path).status_code == 200


def test_artifacts(client: Client, predict: Predict, engine: Engine, storage: Storage, linked: bool) -> None:
    """A picture may be shown, a table is to be saved, and what is made from rows comes from the API."""
    job_id = predict()["job_id"]
    segment = add_segment(engine, UUID(job_id))
    add_output(engine, storage, segment, StageName.FACES, faces_csv=TABLE)
    add_output(engine, storage, segment, StageName.SOUND, mel_png=PNG)
    path = f"/jobs/{job_id}/artifacts"

    assert fetch(client, f"{path}/mel.png", linked=linked) == (
        200,
        PNG,
        "image/png",
        f'inline; filename="{job_id}-mel.png"',
    )
    status, data, content_type, disposition = fetch(client, f"{path}/faces.csv", linked=linked)
    assert (status, data, content_type) == (200, TABLE, "text/csv; charset=utf-8")
    assert disposition == f'attachment; filename="{job_id}-faces.csv"'
    assert client.get(f"{path}/timeline.csv").status_code == 200


def test_files_that_are_gone(
    client: Client, predict: Predict, engine: Engine, storage: Storage, linked: bool
) -> None:
    """Nobody is sent to a file that is not there; it is said to be gone."""
    assert linked in {True, False}
    made = predict()
    segment = add_segment(engine, UUID(made["job_id"]))
    for key in add_output(engine, storage, segment, StageName.FACES, faces_csv=TABLE):
        storage.delete(key)
    storage.delete(f"uploads/{made['options']['video_id']}")

    assert client.get(f"/jobs/{made['job_id']}/media/video").json["code"] == "media_missing"
    assert client.get(f"/jobs/{made['job_id']}/artifacts/faces.csv").status_code == 410


def test_the_page_may_follow(client: Client, store: ObjectStore, linked: bool) -> None:
    """The page's policy takes in the store's origin for pictures, clips and fetches, and for nothing else."""
    policy = client.get("/").headers["Content-Security-Policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))

    with_store = {name for name, sources in parts.items() if store.url in sources.split()}
    assert with_store == ({"connect-src", "img-src", "media-src"} if linked else set())


def test_the_store_goes_away(client: Client, upload: Upload, store: ObjectStore) -> None:
    """While the store is away uploads are refused with 503 and `/readyz` says why."""
    store.stop()
    try:
        refused = client.post("/upload/video", data=video("other"))
        check = client.get("/readyz").json["checks"]["storage"]
    finally:
        store.start()

    assert (refused.status_code, refused.json["code"]) == (503, "service_unavailable")
    assert check["error"] in {"StorageAwayError", "timeout"}
    assert upload("other")


def test_the_bucket_is_missing(client: Client, store: ObjectStore) -> None:
    """``/readyz`` tells a missing bucket from a store that is away."""
    store.client.delete_bucket(Bucket="clips")

    # A store that takes its time is told as one that is away.
    wait_until(lambda: client.get("/readyz").json["checks"]["storage"]["error"] == "BucketMissingError")

    assert client.get("/readyz").status_code == 503
