"""How many jobs a second go through the queue, and how many chains of empty tasks through Celery alone.

Usage: python -m bench.queue [--jobs 3000] [--rounds 2]

Stages do nothing, so that what is left is the service's own: messages, claims, leases, results. All jobs
lie in the tables and the broker before the workers are let go; measured is the time until the last has
ended. Celery alone runs as many chains of five empty tasks, with the same options in the same queues of
the same Valkey. Both take turns. Printed are also the milliseconds of processor time a job by process.
Exit status 1 below 150 jobs a second, or below half of what Celery alone does.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil  # type: ignore[import-untyped]  # it ships no types
from celery import Celery

from bench.queue.bare import empty_chain
from bench.queue.jobs import await_none, count_by_status, lay_out, message_count, open_count
from bench.queue.workers import hold_back, let_go, processor_s, run_modules
from client.stack.stack import EmbeddedStack
from migrations.upgrade import upgrade
from shared.database import connect
from shared.queue import make_celery, publish
from shared.settings import Settings
from shared.tables import JobStatus

GOAL_RATE = 150
GOAL_SHARE = 0.5
LIMIT_S = 600
OURS = {
    "media": ("bench.queue.worker", "media"),
    "inference": ("bench.queue.worker", "inference"),
    "janitor": ("worker", "janitor"),
}
BARE = {"media": ("bench.queue.bare", "media"), "inference": ("bench.queue.bare", "inference")}


@dataclass(frozen=True)
class Run:
    """What one turn gave.

    Attributes:
        rate: Jobs a second.
        cost_ms: Milliseconds of processor time a job, by process.
    """

    rate: float
    cost_ms: Mapping[str, float]


@dataclass(frozen=True)
class Work:
    """What is to be done.

    Attributes:
        count: Jobs.
        commands: Modules of the processes that do it, by name.
        fill: Lays it out.
        left: Returns how much of it is left.
    """

    count: int
    commands: Mapping[str, Sequence[str]]
    fill: Callable[[Celery], None]
    left: Callable[[], int]


def measure(settings: Settings, servers: Mapping[str, int], work: Work) -> Run:
    """Let workers do the work, and return when nothing is left."""
    app = make_celery(settings)
    with run_modules(settings, work.commands, {}) as processes:
        nodes = hold_back(app)
        work.fill(app)
        processes |= {name: psutil.Process(pid) for name, pid in servers.items()}
        before = {name: processor_s(process) for name, process in processes.items()}
        started = time.perf_counter()
        let_go(app, nodes)
        await_none(work.left, LIMIT_S)
        seconds = time.perf_counter() - started
        spent = {name: processor_s(process) - before[name] for name, process in processes.items()}
        # A wake-up that a worker still has at its end would be there in the next turn.
        await_none(lambda: message_count(settings), LIMIT_S)
    return Run(work.count / seconds, {name: 1000 * cost / work.count for name, cost in spent.items()})


def ours(settings: Settings, servers: Mapping[str, int], count: int) -> Run:
    """Measure the service's queue with stages that do nothing.

    Raises:
        AssertionError: A job did not succeed.
    """
    engine = connect(settings, pool_size=1)
    before = count_by_status(engine).get(JobStatus.SUCCEEDED, 0)
    work = Work(count, OURS, lambda app: lay_out(engine, app, count, settings), lambda: open_count(engine))
    result = measure(settings, servers, work)
    succeeded = count_by_status(engine).get(JobStatus.SUCCEEDED, 0) - before
    engine.dispose()
    if succeeded != count:
        raise AssertionError(f"{succeeded} of {count} jobs succeeded")
    return result


def bare(settings: Settings, servers: Mapping[str, int], count: int) -> Run:
    """Measure Celery alone."""

    def fill(app: Celery) -> None:
        for _ in range(count):
            if not publish(empty_chain(app)):
                raise ConnectionError("the broker did not take a message")

    return measure(settings, servers, Work(count, BARE, fill, lambda: message_count(settings)))


def describe(name: str, runs: Sequence[Run]) -> str:
    """Return a line on all turns of one kind."""
    costs = {process: median(run.cost_ms[process] for run in runs) for process in runs[0].cost_ms}
    shown = ", ".join(f"{process} {cost:.2f}" for process, cost in costs.items())
    rates = ", ".join(f"{run.rate:.0f}" for run in runs)
    return f"{name}: {rates} a second; processor ms a job: {sum(costs.values()):.2f} ({shown})"


def main() -> int:
    """Measure, print, and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="avemotion-bench-") as folder:
        wanted = Settings(data_dir=Path(folder), port=0, log_level="WARNING")
        with EmbeddedStack(wanted, services=lambda *_: ()) as stack:
            upgrade(stack.settings)
            servers = stack.pids()
            of_ours, of_bare = [], []
            for _ in range(options.rounds):
                of_bare.append(bare(stack.settings, servers, options.jobs))
                of_ours.append(ours(stack.settings, servers, options.jobs))
    print(describe("chains of empty tasks", of_bare))
    print(describe("jobs", of_ours))
    rate = median(run.rate for run in of_ours)
    share = rate / median(run.rate for run in of_bare)
    print(f"{rate:.0f} jobs a second (goal: {GOAL_RATE}), {share:.2f} of Celery alone (goal: {GOAL_SHARE})")
    return int(rate < GOAL_RATE or share < GOAL_SHARE)


if __name__ == "__main__":
    sys.exit(main())
