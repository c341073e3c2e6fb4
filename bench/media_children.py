"""What a second media child adds: clips a second through the media stages.

Usage: python -m bench.media_children [--rounds 3] [--clips 60] [--seconds 3] [--core-each]

The service of ``avemotion serve`` with neither inference nor express worker: clips are posted as a batch
and count when their fusion is written, ready for the model. On a machine of two cores the model would take
what the first child leaves over, and there would be nothing left to add.

In each round, a media worker with one child and one with two take turns; so do one and two processes that
run the same stages with neither queue nor database: what the machine itself has to give. Printed are the
ratios, and the processor time a clip costs, which other work on the machine does not change much. Exit
status 1 if the service's ratio (median of the rounds) is below 1.8.

A child's FFmpeg decodes while the child works: where there are two cores one child keeps more than one of
them busy, and a second one cannot double it. What it could do is printed too. With ``--core-each`` one child
has one core and two have two, FFmpeg included, as where children fill a machine.
"""

from __future__ import annotations

import argparse
import multiprocessing as mp
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from statistics import median
from typing import Any, cast
from uuid import UUID

import httpx
from sqlalchemy import Engine, func, select

from bench.bare import media_stages, store
from bench.batch_intake import processor_s
from bench.model.machine import Bystanders
from bench.scaling.clips import Size, make_clip
from client.stack.process import Process
from client.stack.services import ONE_THREAD, service_environment, service_processes
from client.stack.stack import EmbeddedStack
from shared.database import connect
from shared.settings import Settings
from shared.storage import open_storage
from shared.tables import Job, Stage, StageName, WorkStatus
from worker.toolkit import Toolkit

GOAL = 1.8
CHILDREN = (1, 2)
# Every child has loaded what it needs then.
WARM_CLIPS_A_CHILD = 3
LOOK_EVERY_S = 0.05
LIMIT_S = 600


@dataclass(frozen=True)
class Turn:
    """What some clips took.

    Attributes:
        clips_s: Clips a second.
        busy_s: Processor seconds a clip, of all processes.
        others: Share of the processors that other work on the machine took meanwhile.
    """

    clips_s: float
    busy_s: float
    others: float | None


@dataclass(frozen=True)
class Round:
    """Turns by number of children: of the service, and of the stages alone."""

    service: dict[int, Turn]
    bare: dict[int, Turn]

    @property
    def ratio(self) -> float:
        """What the service's second child adds, 2 at best."""
        return self.service[2].clips_s / self.service[1].clips_s

    @property
    def bare_ratio(self) -> float:
        """What a second process adds that does nothing else than the stages."""
        return self.bare[2].clips_s / self.bare[1].clips_s


def measure(rounds: int, clips: int, seconds: int, *, core_each: bool = False) -> Iterator[Round]:
    """Measure in as many rounds, with so many clips a turn.

    Args:
        rounds: How many.
        clips: A turn.
        seconds: Of each clip.
        core_each: Whether children have as many cores as they are; all that the machine has, else.
    """
    machine = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="avemotion-bench-") as name:
        folder = Path(name)
        clip = make_clip(folder, Size(seconds, 360))
        with (
            EmbeddedStack(Settings(data_dir=folder / "data", port=0), services=_without_workers) as stack,
            httpx.Client(base_url=stack.api_url, timeout=LIMIT_S, trust_env=False) as http,
        ):
            upload = http.post("/upload/video", content=clip.read_bytes()).json()["id"]
            engine = connect(stack.settings, pool_size=1)
            for _ in range(rounds):
                service, bare = {}, {}
                for children in CHILDREN:
                    cores = machine[:children] if core_each else machine
                    with _media_worker(stack.settings, children, cores):
                        _fuse(http, engine, upload, WARM_CLIPS_A_CHILD * children)
                        service[children] = _timed(clips, lambda: _fuse(http, engine, upload, clips))
                    bare[children] = bare_turn(stack.settings, clip, clips, children, cores)
                yield Round(service, bare)
            engine.dispose()


def _without_workers(*arguments: Any) -> Sequence[Process]:
    return [each for each in service_processes(*arguments) if each.name not in {"media", "inference"}]


@contextmanager
def _media_worker(settings: Settings, children: int, cores: Sequence[int]) -> Iterator[None]:
    """Run a media worker as the stack does, with as many children, on these cores."""
    env = ONE_THREAD | service_environment(settings.model_copy(update={"media_children": children}))
    with (settings.data_dir / "media.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "worker", "media"], env=env, stdout=log, stderr=log)
        # Whatever it starts has them too.
        os.sched_setaffinity(process.pid, cores)
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def _fuse(http: httpx.Client, engine: Engine, upload: str, clips: int) -> None:
    """Post a batch, return when the media stages of all its clips are done, and end it."""
    batch = UUID(http.post("/batches", json={}).json()["batch_id"])
    jobs = [{"video_id": upload, "reference": str(number)} for number in range(clips)]
    http.post(f"/batches/{batch}/jobs", json={"jobs": jobs}).raise_for_status()
    fused = (
        select(func.count())
        .select_from(Stage)
        .join(Job, Job.id == Stage.job_id)
        .where(Job.batch_id == batch, Stage.name == StageName.FUSION, Stage.status == WorkStatus.DONE)
    )
    until = time.monotonic() + LIMIT_S
    while True:
        with engine.connect() as connection:
            if connection.scalar(fused) == clips:
                break
        if time.monotonic() > until:
            raise RuntimeError(f"{clips} clips were not through the media stages after {LIMIT_S} s")
        time.sleep(LOOK_EVERY_S)
    # Not removed: with its last job, the upload would go too.
    http.post(f"/batches/{batch}/cancel").raise_for_status()


def _timed(clips: int, work: Any) -> Turn:
    bystanders, busy_s, started = Bystanders(), processor_s(), time.perf_counter()
    work()
    seconds, busy_s = time.perf_counter() - started, processor_s() - busy_s
    return Turn(clips / seconds, busy_s / clips, bystanders.share(busy_s))


def bare_turn(settings: Settings, clip: Path, clips: int, processes: int, cores: Sequence[int]) -> Turn:
    """Run the media stages of so many clips in as many processes, without queue and database."""
    spawn = mp.get_context("spawn")
    work, ended = spawn.Queue(), spawn.Queue()
    running = [
        spawn.Process(target=_run_bare, args=(settings, clip, cores, work, ended), daemon=True)
        for _ in range(processes)
    ]
    before = dict(os.environ)
    os.environ.update(ONE_THREAD)
    try:
        for process in running:
            process.start()
    finally:
        os.environ.clear()
        os.environ.update(before)
    for _ in running:
        ended.get(timeout=LIMIT_S)

    def run() -> None:
        for number in range(clips):
            work.put(number)
        for _ in range(clips):
            ended.get(timeout=LIMIT_S)

    turn = _timed(clips, run)
    for process in running:
        process.kill()
        process.join()
    return turn


def _run_bare(
    settings: Settings, clip: Path, cores: Sequence[int], work: Queue[int], ended: Queue[int]
) -> None:
    from worker.warm_up import warm_media_child, warm_media_parent  # noqa: PLC0415 - only here

    os.sched_setaffinity(0, cores)
    warm_media_parent(settings)
    warm_media_child(settings)
    kit = Toolkit(settings, cast("Any", None), open_storage(settings.resolved_storage_url))
    upload = store(kit, clip)
    for _ in range(WARM_CLIPS_A_CHILD):
        media_stages(kit, settings, upload)
    ended.put(0)
    while True:
        work.get()
        media_stages(kit, settings, upload)
        ended.put(0)


def told(number: int, found: Round) -> str:
    """Return a round as lines."""
    lines = []
    for what, turns, ratio in (
        ("service", found.service, found.ratio),
        ("bare", found.bare, found.bare_ratio),
    ):
        told = ", ".join(
            f"{children} child{'ren' if children > 1 else ''} {turn.clips_s:.2f}/s"
            f" ({turn.busy_s:.2f} s of processor a clip, others took {turn.others or 0:.0%})"
            for children, turn in turns.items()
        )
        lines.append(f"round {number} {what:<8}{told}: {ratio:.2f}")
    return "\n".join(lines)


def verdict(rounds: Sequence[Round]) -> tuple[str, float]:
    """Return the medians as lines, and the ratio that counts."""
    ratio, bare = (median(getattr(each, name) for each in rounds) for name in ("ratio", "bare_ratio"))
    costs = {children: median(each.service[children].busy_s for each in rounds) for children in CHILDREN}
    cores = median(each.bare[1].busy_s * each.bare[1].clips_s for each in rounds)
    most = min(len(os.sched_getaffinity(0)) / cores, CHILDREN[-1])
    lines = (
        f"from 1 to 2 media children: {ratio:.2f} x the clips a second (goal: at least {GOAL})",
        f"  stages alone, from 1 to 2 processes: {bare:.2f}",
        f"  one such process keeps {cores:.2f} cores busy: two could do {most:.2f} x as much here",
        f"  a clip costs {costs[1]:.2f} s of processor with one child, {costs[2]:.2f} s with two",
    )
    return "\n".join(lines), ratio


def main() -> int:
    """Measure, print, and compare with the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--core-each", action="store_true", help="one child on one core, two on two")
    options = parser.parse_args()
    rounds = []
    found_by_round = measure(options.rounds, options.clips, options.seconds, core_each=options.core_each)
    for number, found in enumerate(found_by_round, 1):
        rounds.append(found)
        print(told(number, found), flush=True)
    text, ratio = verdict(rounds)
    print(text)
    return int(ratio < GOAL)


if __name__ == "__main__":
    sys.exit(main())
