"""How long a large batch takes to be accepted, cancelled and hidden.

Usage: python -m bench.batch_intake [--jobs 10000]

Jobs are added to a real server in chunks of a thousand, each with its own small upload, which is not
timed. Printed is also the processor time of all servers, which tells more on a machine that has other
work. Exit status 1 if adding them takes more than 60 s.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types
from sqlalchemy import select, text

from bench.api_server import serve
from client.stack.stack import EmbeddedStack
from migrations.upgrade import upgrade
from shared.database import connect
from shared.schemas.batches import MOST_JOBS
from shared.settings import Settings
from shared.tables import Upload

GOAL_S = 60.0
LIMIT_S = 600
UPLOADS_SQL = text(
    """
    INSERT INTO uploads (id, kind, state, media_type, demuxer, size_bytes, sha256, expires_at)
    SELECT gen_random_uuid(), 'video', 'stored', 'video/mp4', 'mov', 1, 'x' || n, now() + interval '1 day'
    FROM generate_series(1, :rows) AS n
    """
)


def make_uploads(settings: Settings, rows: int) -> list[str]:
    """Write the rows of uploads, and return their ids."""
    with connect(settings, pool_size=1).begin() as connection:
        connection.execute(UPLOADS_SQL, {"rows": rows})
        return [str(found) for found in connection.scalars(select(Upload.id))]


def add_all(http: httpx.Client, batch: str, uploads: Sequence[str]) -> None:
    """Add one job an upload."""
    for start in range(0, len(uploads), MOST_JOBS):
        jobs = [
            {"video_id": upload_id, "reference": f"clips/{start + number:06}.mp4"}
            for number, upload_id in enumerate(uploads[start : start + MOST_JOBS])
        ]
        http.post(f"{batch}/jobs", json={"jobs": jobs}).raise_for_status()


def processor_s() -> float:
    """Return the processor time of every process under this one, and of those that ended under them."""
    spent = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            spent += sum(process.cpu_times()[:4])
    return spent


def main() -> int:
    """Measure, print, and compare with the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    count = parser.parse_args().jobs
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="avemotion-bench-") as folder:
        settings = Settings(data_dir=Path(folder), port=0, api_processes=1)
        with EmbeddedStack(settings, services=lambda *_: ()) as servers:
            upgrade(servers.settings)
            uploads = make_uploads(servers.settings, count)
            with (
                serve(servers.settings) as api,
                httpx.Client(
                    base_url=f"http://127.0.0.1:{api.port}", timeout=LIMIT_S, trust_env=False
                ) as http,
            ):
                batch = f"/batches/{http.post('/batches', json={}).json()['batch_id']}"
                steps = {
                    "add": lambda: add_all(http, batch, uploads),
                    "add the same again": lambda: add_all(http, batch, uploads),
                    "count": lambda: http.get(batch).raise_for_status(),
                    "predict, beside them": lambda: http.post(
                        "/predict", json={"video_id": uploads[0]}
                    ).raise_for_status(),
                    "cancel": lambda: http.post(f"{batch}/cancel").raise_for_status(),
                    "erase": lambda: http.delete(batch).raise_for_status(),
                }
                for name, step in steps.items():
                    started, busy_s = time.perf_counter(), processor_s()
                    step()
                    seconds[name] = time.perf_counter() - started
                    print(
                        f"{name}: {count} jobs, {seconds[name]:.3f} s; "
                        f"processor time {processor_s() - busy_s:.3f} s"
                    )
    print(f"accepted in {seconds['add']:.1f} s (goal: below {GOAL_S:.0f} s)")
    return int(seconds["add"] >= GOAL_S)


if __name__ == "__main__":
    sys.exit(main())
