"""The whole service with its files in an object store, and nothing but that, PostgreSQL and Valkey shared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select

from shared.database import transact
from shared.tables import Stage
from tests.acceptance.service import Service, running_service
from tests.object_store import ObjectStore
from tests.servers import wait_until

pytestmark = pytest.mark.slow
PATIENCE = {"max_retries": 8}


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStore]:
    with ObjectStore() as store:
        yield store


@pytest.fixture(scope="module", params=[False, True], ids=["through the API", "by links"])
def service(
    request: pytest.FixtureRequest, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    (folder / "scratch").mkdir()
    given = store.settings(s3_presign=request.param, scratch_dir=folder / "scratch", copy_hold_s=0.5)
    with running_service(folder, **given, **PATIENCE) as running:
        yield running


def get(service: Service, path: str, **headers: str) -> httpx.Response:
    """Fetch a file as a browser does."""
    answer = service.http.get(path, headers=headers, follow_redirects=True)
    assert [each.status_code for each in answer.history] == [307] * service.settings.s3_presign
    return answer


def test_a_clip_is_scored_shown_and_erased(service: Service, store: ObjectStore, face_clip: Path) -> None:
    """A clip is scored, its artifacts and ranges of it come back, and DELETE leaves no object."""
    document = service.score(face_clip)
    job = f"/jobs/{document['job_id']}"

    service.assert_scored_once(document)
    assert any(name.startswith("some/where/uploads/") for name in store.names())
    clip = face_clip.read_bytes()
    assert get(service, f"{job}/media/video").content == clip
    part = get(service, f"{job}/media/video", Range="bytes=100-299")
    assert (part.status_code, part.content) == (206, clip[100:300])
    for name, start in {"mel.png": b"\x89PNG", "sequence.png": b"\x89PNG", "faces.csv": b"frame"}.items():
        assert get(service, f"{job}/artifacts/{name}").content.startswith(start)
    assert service.http.get(f"{job}/artifacts/result.json").json() == document
    assert service.http.get("/readyz").json()["checks"]["storage"]["ok"]

    assert service.http.delete(job).status_code == 204

    assert store.names() == store.unfinished() == []
    # Nothing was shared but the store, and no copy of the clip is left.
    assert not list(service.folder.glob("data/storage"))
    wait_until(lambda: not list((service.folder / "scratch").glob("avemotion-work-*/media")))


def test_a_store_that_goes_away_for_a_while(service: Service, store: ObjectStore, face_clip: Path) -> None:
    """With the store away a stage is tried again, loses no worker by it, and the job ends well."""
    document = service.score(face_clip)
    service.http.delete(f"/jobs/{document['job_id']}")
    upload = service.upload(face_clip)
    store.stop()
    job = service.predict(video_id=upload)
    try:
        wait_until(lambda: sum_of(service, job, "retries") > 1)
    finally:
        store.start()

    service.assert_scored_once(service.end_of(job))
    assert sum_of(service, job, "losses") == 0
    service.http.delete(f"/jobs/{job}")
    wait_until(lambda: store.names() == store.unfinished() == [])


def sum_of(service: Service, job_id: str, column: str) -> int:
    """Return a sum over a job's stages."""
    total = select(func.coalesce(func.sum(getattr(Stage, column)), 0)).where(Stage.job_id == UUID(job_id))
    return int(transact(service.engine, lambda session: session.scalars(total).one()))
