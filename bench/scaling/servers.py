"""What a job costs the service's processes, PostgreSQL and Valkey: counted on a running service.

Each kind of process gets a database user of its own, so that PostgreSQL tells their statements apart.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types
import psycopg
import redis
from sqlalchemy import make_url

from bench.scaling.costs import Idle, RoleCost, RoleHold, ServerCost
from bench.scaling.stages import folder_bytes
from client.stack.postgres import EmbeddedPostgres
from client.stack.process import Process
from client.stack.services import service_processes
from client.stack.stack import EmbeddedStack
from shared.settings import Settings
from tests.servers import Server

ROLES = ("api", "media", "inference", "janitor")
DATABASE_URL = "AVEMOTION_DATABASE_URL"
LOOK_EVERY_S = 0.2
LIMIT_S = 600
# What frames transactions, and this measurement's own statements.
FRAMES = "'BEGIN%', 'COMMIT%', 'ROLLBACK%'"
STATEMENTS_SQL = f"""
    SELECT r.rolname,
           coalesce(sum(s.calls) FILTER (WHERE s.query ILIKE 'BEGIN%'), 0),
           coalesce(sum(s.calls) FILTER (WHERE NOT s.query ILIKE ANY (ARRAY[{FRAMES}])), 0),
           coalesce(sum(s.total_exec_time + s.total_plan_time), 0) / 1000
    FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid
    GROUP BY r.rolname
"""  # noqa: S608 - our own words
ROWS_SQL = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class WHERE relkind = 'r' AND relname IN ('jobs', 'segments', 'segment_stages', 'predictions')"  # noqa: E501 - one statement
BACKENDS_SQL = "SELECT pid, usename FROM pg_stat_activity WHERE backend_type = 'client backend'"


@dataclass(frozen=True)
class Reading:
    """Counters at one moment; what happened between two is their difference."""

    at_s: float
    cpu_s: dict[str, float]
    database_s: dict[str, float]
    broker_s: float
    broker_commands: float
    wal_bytes: float
    row_bytes: float
    transactions: dict[str, float]
    statements: dict[str, float]
    executing_s: dict[str, float]


class CountedService:
    """A running service, each of whose processes is counted."""

    def __init__(self, folder: Path) -> None:
        """Prepare; it starts when the ``with`` block is entered."""
        self._postgres = EmbeddedPostgres(folder / "postgres")
        row = self._postgres.process()
        counted = replace(row, argv=(*row.argv, "--shared_preload_libraries=pg_stat_statements"))
        self._server = Server(counted, folder / "postgres.log")
        self.settings = Settings(
            data_dir=folder / "data", database_url=self._postgres.url, port=0, media_children=1
        )
        self._cleanup = contextlib.ExitStack()
        self._most: dict[str, dict[int, int]] = {role: defaultdict(int) for role in ROLES}
        self._all_most: dict[str, int] = defaultdict(int)
        self._broker_most: dict[str, int] = defaultdict(int)
        self._backends: dict[int, tuple[str, float]] = {}
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        """Start everything."""
        with contextlib.ExitStack() as cleanup:
            cleanup.callback(self._server.kill)
            self._server.start()
            url = make_url(self._postgres.url)
            self._admin = cleanup.enter_context(
                psycopg.connect(
                    host=url.host,
                    port=url.port,
                    user=url.username,
                    password=url.password,
                    dbname=url.database,
                    autocommit=True,
                )
            )
            self._admin.execute("CREATE EXTENSION pg_stat_statements")
            for role in ROLES:
                # To see and change all that the owner of the tables does.
                self._admin.execute(f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{url.password}'")
            self.stack = cleanup.enter_context(EmbeddedStack(self.settings, services=self._services))
            self.settings = self.stack.settings
            self.http = cleanup.enter_context(
                httpx.Client(base_url=self.stack.api_url, timeout=LIMIT_S, trust_env=False)
            )
            self._valkey = redis.Redis.from_url(str(self.settings.broker_url), decode_responses=True)
            watching = threading.Thread(target=self._watch, daemon=True)
            watching.start()
            cleanup.callback(watching.join)
            cleanup.callback(self._stop.set)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self._cleanup.close()

    @staticmethod
    def _services(env: Mapping[str, str], api_url: str, servers: Sequence[str]) -> list[Process]:
        rows = []
        for row in service_processes(env, api_url, servers):
            url = make_url(env[DATABASE_URL])
            if row.name in ROLES:
                url = url.set(username=row.name)
            rows.append(
                replace(row, env={**row.env, DATABASE_URL: url.render_as_string(hide_password=False)})
            )
        return rows

    def read(self) -> Reading:
        """Return the counters now."""
        commands = self._valkey.info("commandstats")
        cpu = self._valkey.info("cpu")
        database_s: dict[str, float] = defaultdict(float)
        self._look_at_backends()
        for user, seconds in self._backends.values():
            database_s[user] += seconds
        told = {name: counts for name, *counts in self._admin.execute(STATEMENTS_SQL)}
        [[wal]] = self._admin.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchall()
        [[rows]] = self._admin.execute(ROWS_SQL).fetchall()
        return Reading(
            at_s=time.perf_counter(),
            cpu_s={role: tree_s(self.stack.pids()[role]) for role in ROLES},
            database_s=dict(database_s),
            broker_s=float(cpu["used_cpu_sys"]) + float(cpu["used_cpu_user"]),
            broker_commands=sum(each["calls"] for name, each in commands.items() if "info" not in name),
            wal_bytes=float(wal),
            row_bytes=float(rows),
            transactions={role: float(told.get(role, (0, 0, 0))[0]) for role in ROLES},
            statements={role: float(told.get(role, (0, 0, 0))[1]) for role in ROLES},
            executing_s={role: float(told.get(role, (0, 0, 0))[2]) for role in ROLES},
        )

    def score(self, upload: str, jobs: int) -> list[str]:
        """Score an upload so many times, as bulk, reading each job once when all have ended."""
        ids = []
        for _ in range(jobs):
            answer = self.http.post("/predict", json={"video_id": upload, "priority": "bulk"})
            answer.raise_for_status()
            ids.append(answer.json()["job_id"])
        until = time.monotonic() + LIMIT_S
        while not self._ended(ids):
            if time.monotonic() > until:
                raise RuntimeError(f"{jobs} jobs have not ended after {LIMIT_S} s")
            time.sleep(LOOK_EVERY_S)
        for job in ids:
            document = self.http.get(f"/jobs/{job}").json()
            if document["status"] != "succeeded":
                raise RuntimeError(document["error"])
        return ids

    def _ended(self, jobs: Sequence[str]) -> bool:
        [[open_jobs]] = self._admin.execute(
            "SELECT count(*) FROM jobs WHERE id = ANY(%s) AND finished_at IS NULL", ([*map(UUID, jobs)],)
        ).fetchall()
        return bool(open_jobs == 0)

    def idle(self, seconds: float) -> Idle:
        """Return what the service does in some seconds without work."""
        before = self.read()
        time.sleep(seconds)
        after = self.read()
        passed_s = after.at_s - before.at_s
        return self.holding(
            Idle(
                roles={
                    role: RoleHold(
                        processes=len(family(self.stack.pids()[role])),
                        connections=0,
                        all_connections=0,
                        broker_connections=0,
                        a_second=RoleCost(**spent(before, after, role, passed_s)),
                    )
                    for role in ROLES
                },
                broker_s=round((after.broker_s - before.broker_s) / passed_s, 6),
                broker_commands=round((after.broker_commands - before.broker_commands) / passed_s, 2),
            )
        )

    def holding(self, idle: Idle) -> Idle:
        """Return the same with the most connections that were held up to now."""
        roles = {
            role: hold.model_copy(
                update={
                    "connections": max(self._most[role].values(), default=0),
                    "all_connections": self._all_most[role],
                    "broker_connections": self._broker_most[role],
                }
            )
            for role, hold in idle.roles.items()
        }
        return idle.model_copy(update={"roles": roles})

    def cost(self, upload: str, jobs: int, idle: Idle) -> ServerCost:
        """Score an upload so many times and return what a job of it costs."""
        before = self.read()
        ids = self.score(upload, jobs)
        after = self.read()
        seconds = after.at_s - before.at_s

        def a_job(name: str, idle_a_second: float = 0.0) -> float:
            whole: float = getattr(after, name) - getattr(before, name) - idle_a_second * seconds
            return round(max(0.0, whole) / jobs, 6)

        return ServerCost(
            jobs=jobs,
            roles={role: RoleCost(**spent(before, after, role, jobs)) for role in ROLES},
            broker_s=a_job("broker_s", idle.broker_s),
            broker_commands=a_job("broker_commands", idle.broker_commands),
            wal_bytes=a_job("wal_bytes"),
            row_bytes=a_job("row_bytes"),
            kept_bytes=folder_bytes(Path(self.settings.data_dir) / "storage" / "jobs" / ids[0]),
        )

    def _watch(self) -> None:
        """Look again and again who holds how many connections, and what each backend has worked."""
        url, broker = make_url(self._postgres.url), make_url(str(self.settings.broker_url))
        while not self._stop.wait(LOOK_EVERY_S):
            for role in ROLES:
                # By their own ports: a child that was just forked has its parent's, too.
                all_of_it: dict[Any, set[int]] = defaultdict(set)
                for process in family(self.stack.pids().get(role, 0)):
                    with contextlib.suppress(psutil.Error):
                        ports = [
                            (each.raddr.port, each.laddr.port)
                            for each in process.net_connections("tcp")
                            if each.raddr and each.status == psutil.CONN_ESTABLISHED
                        ]
                        held = self._most[role]
                        mine = [to for to, _ in ports].count(url.port)
                        held[process.pid] = max(held[process.pid], mine)
                        for to, own in ports:
                            all_of_it[to].add(own)
                for most, port in ((self._all_most, url.port), (self._broker_most, broker.port)):
                    most[role] = max(most[role], len(all_of_it[port]))

    def _look_at_backends(self) -> None:
        for pid, user in self._admin.execute(BACKENDS_SQL).fetchall():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = psutil.Process(pid).cpu_times()
                self._backends[pid] = (user, times.user + times.system)


def family(pid: int) -> list[Any]:
    """Return a process and all below it; none if it is gone."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def tree_s(pid: int) -> float:
    """Return the processor seconds of a process and all below it, those that ended included."""
    spent_s = 0.0
    for process in family(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            spent_s += float(sum(process.cpu_times()[:4]))
    return spent_s


def spent(before: Reading, after: Reading, role: str, parts: float) -> dict[str, float]:
    """Return what was spent through one kind of process between two readings, shared out over ``parts``."""
    return {
        name: round((getattr(after, name).get(role, 0.0) - getattr(before, name).get(role, 0.0)) / parts, 6)
        for name in RoleCost.model_fields
    }
