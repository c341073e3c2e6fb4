"""Processes on hosts of their own, which share three addresses; one of them is cut off for a minute."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from shared.database import transact
from shared.tables import Prediction, Stage, StageName, WorkStatus
from tests import media_factory
from tests.acceptance.hosts import Hosts
from tests.network import Network
from tests.object_store import ObjectStore
from tests.servers import wait_until

pytestmark = pytest.mark.slow

CUT_OFF_S = 60
JOBS = 4
# Far less than the minute, and no less than a busy machine needs between two heartbeats.
PATIENCE = {"lease_s": 10.0, "stage_time_limit_s": 240.0}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some seconds of a face with a voice: each stage takes long enough to be hit."""
    return media_factory.face_video(tmp_path_factory.mktemp("media") / "clip.mp4", duration_s=3)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    with (
        Network() as network,
        ObjectStore(network.address) as store,
        Hosts(tmp_path, network, store, **PATIENCE) as hosts,
    ):
        yield hosts


def post_batch(hosts: Hosts, clip: Path) -> list[str]:
    """Post a batch over HTTP; return its jobs."""
    upload = hosts.upload(clip)
    batch = hosts.http.post("/batches", json={}).json()["batch_id"]
    jobs = [{"video_id": upload, "reference": str(number)} for number in range(JOBS)]
    answer = hosts.http.post(f"/batches/{batch}/jobs", json={"jobs": jobs})
    hosts.http.post(f"/batches/{batch}/close")
    return [each["job_id"] for each in answer.json()["jobs"]]


def holds(
    hosts: Hosts, table: type[Stage | Prediction], jobs: list[str], name: StageName | None = None
) -> bool:
    """Tell whether some worker holds work of these jobs."""
    found = select(table).where(table.job_id.in_(map(UUID, jobs)), table.status == WorkStatus.LEASED)
    if name is not None:
        found = found.where(Stage.name == name)
    return transact(hosts.engine, lambda session: session.scalars(found.limit(1)).first()) is not None


def losses(hosts: Hosts, table: type[Stage | Prediction], jobs: list[str]) -> int:
    """Return how often a worker of these jobs was given up."""
    lost = select(func.coalesce(func.sum(table.losses), 0)).where(table.job_id.in_(map(UUID, jobs)))
    return int(transact(hosts.engine, lambda session: session.scalars(lost).one()))


def assert_nothing_lost_or_doubled(hosts: Hosts, jobs: list[str]) -> None:
    """Fail unless each job ends well, and the tables hold each unit of its work exactly once."""
    for job in jobs:
        hosts.assert_scored_once(hosts.end_of(job))
    counted = transact(
        hosts.engine,
        lambda session: session.execute(
            select(
                func.count(),
                func.count(func.distinct(func.concat(Prediction.segment_id, ":", Prediction.index))),
            ).where(Prediction.job_id.in_(map(UUID, jobs)))
        ).one(),
    )
    assert counted[0] == counted[1] == sum(len(hosts.end_of(job)["windows"]) for job in jobs)
    assert not hosts.orphans()


def test_a_media_host_is_cut_off_for_a_minute(hosts: Hosts, clip: Path) -> None:
    """Another takes its work over; once back it works again, and nothing was lost or done twice."""
    first = hosts.start("first", "-m", "worker", "media")
    hosts.start("model", "-m", "worker", "inference")
    jobs = post_batch(hosts, clip)
    wait_until(lambda: holds(hosts, Stage, jobs, StageName.FACES))

    with hosts.cut_off(first, CUT_OFF_S):
        hosts.start("second", "-m", "worker", "media")
        wait_until(lambda: losses(hosts, Stage, jobs) >= 1)
        # Rows that it had locked would stay so for as long as the database believes in it.
        wait_until(lambda: hosts.connections(first) == 0)
        # Its worker waits for the broker, and must not be taken for stuck meanwhile.
        wait_until(lambda: "Cannot connect to redis" in hosts.log("first"))
        [sign] = (hosts.folder / "first" / "tmp").glob("avemotion-*/media-*.alive")
        sign.unlink()
        wait_until(sign.exists)
    assert_nothing_lost_or_doubled(hosts, jobs)

    # Now there is nobody else, and nobody has started its worker again.
    hosts.stop("second")
    hosts.assert_scored_once(hosts.score(clip))


def test_the_only_model_host_is_cut_off_for_a_minute(hosts: Hosts, clip: Path) -> None:
    """What it held waits until it is back, and is then scored once."""
    hosts.start("first", "-m", "worker", "media")
    model = hosts.start("model", "-m", "worker", "inference")
    jobs = post_batch(hosts, clip)
    wait_until(lambda: holds(hosts, Prediction, jobs))

    with hosts.cut_off(model, CUT_OFF_S):
        wait_until(lambda: losses(hosts, Prediction, jobs) >= 1)
        wait_until(lambda: hosts.connections(model) == 0)

    assert_nothing_lost_or_doubled(hosts, jobs)
