"""A whole avemotion of real processes, with servers that a test may stop, kill and empty."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import httpx
import psutil
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from client.stack.postgres import EmbeddedPostgres
from client.stack.services import service_processes
from client.stack.stack import EmbeddedStack, Services
from client.stack.supervisor import Patience
from client.stack.valkey import EmbeddedValkey
from shared.database import connect, transact
from shared.settings import Settings
from shared.storage import Storage
from shared.storage_choice import storage_of
from shared.tables import Prediction, Segment, Stage, StageName, WorkStatus
from tests.servers import LIMIT_S, Server, wait_until

# Short enough to see a stage of a few hundredths of a second.
PAUSE_S = 0.002

# Faults are found and mended faster than in production, so that the tests end sooner.
HASTE = {
    "lease_s": 2.0,
    "janitor_interval_s": 0.2,
    "republish_after_s": 2.0,
    "retry_backoff_s": 0.2,
    "stage_time_limit_s": 40.0,
    "max_upload_bytes": 24_000_000,
    "api_processes": 1,
    "media_children": 1,
    "segment_s": 6.0,
}


class Service:
    """PostgreSQL, Valkey, API, workers and janitor on this machine, on free ports."""

    def __init__(
        self, folder: Path, *, express: bool = False, services: Services | None = None, **settings: Any
    ) -> None:
        """Prepare; the processes start when the ``with`` block is entered."""
        self.folder = folder
        self._services = services or partial(service_processes, express=express)
        postgres, valkey = EmbeddedPostgres(folder / "postgres"), EmbeddedValkey(folder / "valkey")
        self._valkey_folder = folder / "valkey"
        self.postgres = Server(postgres.process(), folder / "postgres.log")
        self.valkey = Server(valkey.process(), folder / "valkey.log")
        self.settings = Settings(
            **{
                **HASTE,
                "data_dir": folder / "data",
                "database_url": postgres.url,
                "broker_url": valkey.url,
                "port": 0,
                **settings,
            }
        )
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start everything and return when the API is ready."""
        with contextlib.ExitStack() as cleanup:
            for server in (self.postgres, self.valkey):
                cleanup.callback(server.kill)
                server.start()
            # A test kills its processes more often than any night does.
            patience = Patience(most_quick_deaths=1000, longest_delay_s=0.5)
            self.stack = cleanup.enter_context(
                EmbeddedStack(self.settings, patience=patience, services=self._services)
            )
            self.settings = self.stack.settings
            self.http = cleanup.enter_context(
                httpx.Client(base_url=self.stack.api_url, timeout=60, trust_env=False)
            )
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self._cleanup.close()

    @property
    def engine(self) -> Engine:
        """The database, as a worker sees it."""
        return connect(self.settings)

    @property
    def storage(self) -> Storage:
        """The files."""
        return storage_of(self.settings)

    def empty_valkey(self) -> None:
        """Kill Valkey and lose all it held."""
        self.valkey.kill()
        for name in ("appendonlydir", "dump.rdb"):
            path = self._valkey_folder / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def pid(self, name: str) -> int:
        """Return the process id of ``api``, ``media``, ``inference`` or ``janitor``."""
        return self.stack.pids()[name]

    def child(self, name: str) -> int:
        """Return the id of a worker's only pool process, once there is one."""
        found: list[int] = []

        def there() -> bool:
            with contextlib.suppress(KeyError, psutil.NoSuchProcess):
                found[:] = [c.pid for c in psutil.Process(self.pid(name)).children()]
            return bool(found)

        wait_until(there, 30)
        return found[0]

    def upload(self, path: Path, kind: str = "video") -> str:
        """Upload a file and return its id."""
        answer = self.http.post(f"/upload/{kind}", content=path.read_bytes())
        assert answer.status_code in {200, 201}, answer.text
        return str(answer.json()["id"])

    def predict(self, **body: Any) -> str:
        """Post a job and return its id."""
        answer = self.http.post("/predict", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])

    def submit(self, path: Path, kind: str = "video", **options: Any) -> str:
        """Upload a file, post a job for it, and return the job's id."""
        return self.predict(**{f"{kind}_id": self.upload(path, kind)}, **options)

    def end_of(self, job_id: str, limit_s: float = LIMIT_S) -> dict[str, Any]:
        """Return a job's document once it has ended; fail if it does not in time."""
        deadline = time.monotonic() + limit_s
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = self.http.get(f"/jobs/{job_id}", params={"wait": 1})
                if answer.status_code == 200 and answer.json()["status"] in {
                    "succeeded",
                    "failed",
                    "cancelled",
                }:
                    return dict(answer.json())
            assert time.monotonic() < deadline, f"the job has not ended: {answer.text}"
            time.sleep(0.05)

    def score(self, path: Path, kind: str = "video", **options: Any) -> dict[str, Any]:
        """Upload and score a file, and return the ended job's document."""
        return self.end_of(self.submit(path, kind, **options))

    def wait_for_lease(self, job_id: str, name: StageName) -> bool:
        """Return when a worker holds the stage; False if it was over before it was seen."""
        engine = self.engine
        if name is StageName.INFERENCE:
            query = select(Prediction.status).where(Prediction.job_id == UUID(job_id))
        else:
            query = select(Stage.status).where(Stage.job_id == UUID(job_id), Stage.name == name)
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            with contextlib.suppress(SQLAlchemyError):
                found = set(transact(engine, lambda session: session.scalars(query).all()))
                if WorkStatus.LEASED in found:
                    return True
                if found and found <= {WorkStatus.DONE, WorkStatus.SKIPPED, WorkStatus.CANCELLED}:
                    return False
            time.sleep(PAUSE_S)
        raise AssertionError(f"{name} never began")

    def assert_scored_once(self, document: dict[str, Any]) -> None:
        """Fail unless the job ended well and every unit of its work is done exactly once."""
        assert document["status"] == "succeeded", document["error"]
        job_id = UUID(document["job_id"])

        def read(session: Any) -> tuple[Any, Any, Any]:
            return (
                session.scalars(select(Stage).where(Stage.job_id == job_id)).all(),
                session.scalars(select(Prediction).where(Prediction.job_id == job_id)).all(),
                session.scalars(select(Segment).where(Segment.job_id == job_id)).all(),
            )

        stages, windows, segments = transact(self.engine, read)
        assert {stage.status for stage in stages} == {WorkStatus.DONE}
        assert {window.status for window in windows} <= {WorkStatus.DONE, WorkStatus.SKIPPED}
        assert len({(s.segment_id, s.name) for s in stages}) == len(stages)
        assert len({(w.segment_id, w.index) for w in windows}) == len(windows) == len(document["windows"])
        assert document["segments"] == {"done": len(segments), "total": len(segments)}
        assert document["progress"] == 1

    def orphans(self) -> set[str]:
        """Return the folders in storage that no row knows."""
        known = set()
        for table, prefix in (("uploads", "uploads"), ("jobs", "jobs")):
            with self.engine.connect() as connection:
                rows = connection.exec_driver_sql(f"SELECT id FROM {table}")  # noqa: S608 - our own names
                known |= {f"{prefix}/{row.id}" for row in rows}
        there = {f"{prefix}/{name}" for prefix in ("uploads", "jobs") for name in self.storage.names(prefix)}
        return there - known


@contextlib.contextmanager
def running_service(folder: Path, **settings: Any) -> Iterator[Service]:
    """Run a service of one's own."""
    with Service(folder, **settings) as service:
        yield service
