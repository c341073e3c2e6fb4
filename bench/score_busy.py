"""Whether ``avemotion score`` keeps the workers busy.

Usage: python -m bench.score_busy [--clips 200] [--seconds 3]

A folder of short clips, each of other bytes, is scored by the command against a warm service on this
machine. Printed are the command's wall time over the sum of the jobs' stage times shared out over the
cores, and the processor time of all processes but the command over what the cores had to give in that
time. Exit status 1 if the first is over 1.1.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from sqlalchemy import Engine, select

from bench.batch_intake import processor_s
from bench.overhead import end_of, post
from client.stack.stack import EmbeddedStack
from shared.database import connect
from shared.settings import Settings
from shared.tables import Job
from tests.media_factory import face_video

GOAL = 1.1


def make_clips(folder: Path, count: int, duration_s: float) -> None:
    """Write clips that look the same and differ in their bytes."""
    folder.mkdir()
    clip = face_video(folder.parent / "clip.mp4", duration_s=duration_s).read_bytes()
    for number in range(count):
        # A box of free space at the end, which every reader skips.
        (folder / f"{number:04}.mp4").write_bytes(clip + (12).to_bytes(4) + b"free" + number.to_bytes(4))


def stage_seconds(engine: Engine) -> float:
    """Return the sum of the stage times of all jobs of batches."""
    with engine.connect() as connection:
        spent = connection.scalars(select(Job.stage_seconds).where(Job.batch_id.is_not(None))).all()
    return sum(sum(stages.values()) for stages in spent)


def main() -> int:
    """Measure, print, and compare with the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="avemotion-bench-") as name:
        folder = Path(name)
        make_clips(folder / "clips", options.clips, options.seconds)
        with (
            EmbeddedStack(Settings(data_dir=folder / "data", port=0)) as stack,
            httpx.Client(base_url=stack.api_url, timeout=90, trust_env=False) as http,
        ):
            warm = http.post("/upload/video", content=(folder / "clip.mp4").read_bytes()).json()["id"]
            for _ in range(3):
                end_of(http, post(http, warm))
            before_s, started = processor_s(), time.perf_counter()
            where = [str(folder / "clips"), "--out", str(folder / "results.csv")]
            subprocess.run(
                [sys.executable, "-m", "client.main", "score", *where, "--server", stack.api_url], check=True
            )
            wall_s = time.perf_counter() - started
            busy_s = processor_s() - before_s
            stages_s = stage_seconds(connect(stack.settings, pool_size=1))
    ratio = wall_s / (stages_s / cores)
    print(f"{options.clips} clips of {options.seconds:g} s on {cores} cores: {wall_s:.1f} s wall")
    print(f"stage times: {stages_s:.1f} s in all; wall time is {ratio:.3f} of their share of a core")
    print(f"processor time: {busy_s:.1f} s, {busy_s / (wall_s * cores):.1%} of what the cores had to give")
    print(f"goal: below {GOAL}")
    return int(ratio > GOAL)


if __name__ == "__main__":
    sys.exit(main())
