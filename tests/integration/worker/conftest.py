"""A job in a real database, as far along as a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from client.stack.postgres import EmbeddedPostgres
from migrations.upgrade import upgrade
from shared.database import connect, transact
from shared.lifecycle import open_job
from shared.settings import Settings
from shared.storage import open_storage
from shared.tables import Base, Job, Priority, Segment, Stage, StageName, Upload, UploadKind, UploadState
from tests.integration.worker.steps import ALL_STAGES
from tests.servers import Server
from worker.lease import Claim, Ended, Refusal, claim, finish
from worker.segments import Cut, insert_segments
from worker.toolkit import Toolkit
from worker.windows import plan_segments, plan_windows

LEASE_S = 30.0

NewJob = Callable[..., UUID]
TABLES = ", ".join(table.name for table in Base.metadata.sorted_tables)


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL with every migration applied."""
    folder = tmp_path_factory.mktemp("worker")
    postgres = EmbeddedPostgres(folder / "postgres")
    server = Server(postgres.process(), folder / "postgres.log")
    server.start()
    upgrade(Settings(database_url=postgres.url))
    yield postgres.url
    server.kill()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings with an empty database and an empty storage."""
    chosen = Settings(database_url=database_url, data_dir=tmp_path)
    with connect(chosen).begin() as connection:
        connection.execute(text(f"TRUNCATE {TABLES} CASCADE"))
    return chosen


@pytest.fixture
def kit(settings: Settings) -> Toolkit:
    """Settings, database and storage, as a worker has them."""
    return Toolkit(settings, connect(settings), open_storage(settings.resolved_storage_url))


@pytest.fixture
def engine(kit: Toolkit) -> Engine:
    """The database."""
    return kit.engine


@pytest.fixture
def new_job(kit: Toolkit) -> NewJob:
    """Make a job whose ingest is ready."""

    def make(priority: Priority = Priority.INTERACTIVE, model: str = "some-model") -> UUID:
        upload = Upload(
            kind=UploadKind.VIDEO,
            state=UploadState.STORED,
            media_type="video/mp4",
            demuxer="mov",
            size_bytes=1,
            sha256=uuid4().hex,
            expires_at=datetime.now(UTC) + timedelta(days=1),
        )
        job = Job(
            request_sha256="0",
            fusion="early",
            analyzer="landmarker",
            model=model,
            window_s=2,
            stride_s=2,
            priority=priority,
        )

        def write(session: Session) -> None:
            session.add(upload)
            session.flush()
            job.video_id = upload.id
            open_job(session, job)

        transact(kit.engine, write)
        kit.storage.write(upload.storage_key, b"x")
        return job.id

    return make


@pytest.fixture
def ingested(kit: Toolkit, new_job: NewJob) -> Callable[..., list[UUID]]:
    """Make a job with its segments, and return their ids."""

    def make(duration_s: float = 6, segment_s: float = 60, **options: object) -> list[UUID]:
        job_id = new_job(**options)

        def write(session: Session) -> None:
            taken = claim(session, StageName.INGEST, job_id, LEASE_S)
            assert not isinstance(taken, Refusal)
            claimed, job = taken
            plans = plan_segments(plan_windows(duration_s, 2, 2), segment_s)
            changes = {"segments_total": len(plans), "stages_total": 1 + len(plans) * len(ALL_STAGES)}
            finish(session, Ended(claimed, {}, 0.1, changes))
            insert_segments(session, job, Cut(plans, ALL_STAGES))

        transact(kit.engine, write)
        rows = select(Segment.id).where(Segment.job_id == job_id).order_by(Segment.index)
        return list(transact(kit.engine, lambda session: session.scalars(rows).all()))

    return make


@pytest.fixture
def take(kit: Toolkit) -> Callable[[StageName, UUID], Claim]:
    """Claim a stage that must be free."""

    def claim_it(name: StageName, key: UUID) -> Claim:
        taken = transact(kit.engine, lambda session: claim(session, name, key, LEASE_S))
        assert not isinstance(taken, Refusal)
        return taken[0]

    return claim_it


@pytest.fixture
def expire(kit: Toolkit) -> Callable[[Claim], None]:
    """Let a claim's lease run out, as if its worker had died a while ago."""

    def let_run_out(taken: Claim) -> None:
        def write(session: Session) -> None:
            session.get_one(Stage, taken.stage_id).lease_until = datetime.now(UTC) - timedelta(seconds=1)

        transact(kit.engine, write)

    return let_run_out
