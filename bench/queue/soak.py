"""Whether anything grows while very many jobs go through the queue.

Usage: python -m bench.queue.soak [--jobs 20000] [--stage-ms 2]

Stages only sleep, so this measures the queue and the API, not the work on clips. Clients, each with one job
at a time, post to a real server and wait for the end. Compared are the median latency of the second tenth of
the run and of its last, and the memory of every process in the seventh tenth and in the last. At the end
Valkey holds what it held before. Memory is a process's own: PostgreSQL's processes share their buffers, and
each maps more of them the more it has read. Exit status 1 if a process has grown by more than 5 % and 4 MB,
if latency has by more than a fifth, if Valkey holds more keys, or if a job did not succeed.

Two things fill up first. The parent of a worker keeps a timer for each task until the task's time limit would
be over (Celery forgets timers that were called off only when their time comes): the limit is two minutes
here, for the timers to come and go within the run. A process of the API keeps documents that were asked for,
16 MiB of them and no more: so much it may grow.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TypeVar

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types

from api.reading import MEMORY_BYTES
from bench.api_server import serve
from bench.batch_intake import make_uploads
from bench.queue.jobs import await_none, message_count
from bench.queue.stages import STAGE_S
from bench.queue.workers import run_modules
from client.ops.nodes import find_names
from client.stack.stack import EmbeddedStack
from migrations.upgrade import upgrade
from shared.queue import broker, make_celery
from shared.settings import Settings

CLIENTS = 16
SAMPLE_S = 1.0
PAUSE_S = 0.2
# Tenths that are compared, from 0. Memory is full of what is kept for a while in the first of its two.
LATENCY_TENTHS = (1, 9)
MEMORY_TENTHS = (6, 9)
# With the grace that is added, and for all media stages of a segment: 124 s a task.
STAGE_LIMIT_S = 1
LEAST_GROWTH_BYTES = 4e6
MOST_GROWTH = 1.05
# A document's text is two thirds of what keeping it takes.
DOCUMENTS_BYTES = 1.5 * MEMORY_BYTES
MOST_SLOWER = 1.2
WORKERS = {
    "media": ("bench.queue.worker", "media"),
    "inference": ("bench.queue.worker", "inference"),
    "janitor": ("worker", "janitor"),
}

T = TypeVar("T")


@dataclass
class Samples:
    """What was seen over time.

    Attributes:
        memory: Own resident bytes of each process, by its name and id, one a look.
        latencies_s: Of each job, in the order of their ends.
        failures: Of jobs that did not succeed: what became of them.
    """

    memory: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    latencies_s: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def tenth(values: Sequence[T], number: int) -> Sequence[T]:
    """Return one tenth of a series, counted from 0."""
    return values[len(values) * number // 10 : len(values) * (number + 1) // 10]


def look(processes: Mapping[str, psutil.Process], into: Samples) -> None:
    """Note the memory of all processes and of their children."""
    for name, process in processes.items():
        for each in (process, *process.children(recursive=True)):
            try:
                taken = each.memory_info()
                into.memory[f"{name} {each.pid}"].append(taken.rss - taken.shared)
            except psutil.NoSuchProcess:
                continue


def run_job(http: httpx.Client, upload_id: str, into: Samples) -> None:
    """Post a job, wait for its end, and note how long it took."""
    started = time.perf_counter()
    answer = http.post("/predict", json={"video_id": upload_id}, headers={"Prefer": "wait=20"})
    where = answer.headers.get("Location", "")
    while answer.is_success and answer.json()["status"] in {"queued", "running"}:
        # Where too many wait already, the answer comes at once.
        time.sleep(PAUSE_S)
        answer = http.get(where, params={"wait": 20})
    said = answer.json()["status"] if answer.is_success else answer.status_code
    if said == "succeeded":
        into.latencies_s.append(time.perf_counter() - started)
    else:
        into.failures.append(str(said))


def soak(url: str, upload_id: str, jobs: int, into: Samples, watch: Callable[[], None]) -> None:
    """Run so many jobs, and look at the processes all the while."""
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_S):
            watch()

    watcher = threading.Thread(target=sample)
    watcher.start()
    limits = httpx.Limits(max_connections=CLIENTS)
    try:
        with (
            httpx.Client(base_url=url, timeout=60, trust_env=False, limits=limits) as http,
            ThreadPoolExecutor(CLIENTS) as pool,
        ):
            for _ in pool.map(lambda _: run_job(http, upload_id, into), range(jobs)):
                pass
    finally:
        done.set()
        watcher.join()


def report(samples: Samples) -> list[str]:
    """Print what grew, and return what grew too much."""
    faults = [f"a job ended as {said}" for said in samples.failures[:5]]
    print(f"{'process':<20} {'seventh tenth':>14} {'last tenth':>12}")
    for name, sizes in sorted(samples.memory.items()):
        if len(sizes) < 20:  # noqa: PLR2004 - two a tenth
            continue
        before, after = (median(tenth(sizes, number)) for number in MEMORY_TENTHS)
        print(f"{name:<20} {before / 1e6:>11.1f} MB {after / 1e6:>9.1f} MB")
        grown = after - before - (DOCUMENTS_BYTES if name.startswith("api") else 0)
        if grown > max(before * (MOST_GROWTH - 1), LEAST_GROWTH_BYTES):
            faults.append(f"{name} has grown by {(after - before) / 1e6:.1f} MB")
    before, after = (median(tenth(samples.latencies_s, number)) for number in LATENCY_TENTHS)
    print(f"median latency: {1000 * before:.0f} ms in the second tenth, {1000 * after:.0f} ms in the last")
    if after > before * MOST_SLOWER:
        faults.append("jobs take longer at the end")
    return faults


def main() -> int:
    """Run, print, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--stage-ms", type=float, default=2)
    options = parser.parse_args()
    samples = Samples()
    with tempfile.TemporaryDirectory(prefix="avemotion-bench-") as folder:
        wanted = Settings(
            data_dir=Path(folder), port=0, log_level="WARNING", stage_time_limit_s=STAGE_LIMIT_S
        )
        with EmbeddedStack(wanted, services=lambda *_: ()) as stack:
            settings = stack.settings
            upgrade(settings)
            [upload_id] = make_uploads(settings, 1)
            stage_s = {STAGE_S: str(options.stage_ms / 1000)}
            with run_modules(settings, WORKERS, stage_s) as processes, serve(settings) as api:
                app = make_celery(settings)
                while len(find_names(app)) < len(WORKERS) - 1:
                    time.sleep(SAMPLE_S)
                keys = broker(settings).dbsize()
                servers = {name: psutil.Process(pid) for name, pid in stack.pids().items()}
                everybody = {**processes, **servers, "api": psutil.Process(api.pid)}
                started = time.perf_counter()
                url = f"http://127.0.0.1:{api.port}"
                soak(url, upload_id, options.jobs, samples, lambda: look(everybody, samples))
                seconds = time.perf_counter() - started
                await_none(lambda: message_count(settings), 60)
                left = broker(settings).dbsize()
    print(f"{options.jobs} jobs in {seconds:.0f} s, {options.jobs / seconds:.0f} a second")
    faults = report(samples)
    print(f"keys in Valkey: {keys} before, {left} after")
    if int(left) > int(keys):  # type: ignore[arg-type]  # typed for async too
        faults.append("Valkey holds more than before")
    for fault in faults:
        print(f"FAULT: {fault}")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
