"""How long bulk work keeps an interactive job waiting.

Usage: python -m bench.bulk_delay [--rounds 12] [--without-express]

On the warm service of ``avemotion serve``, one short clip after the other is scored: first alone, then
beside more bulk work than the workers can do meanwhile, of clips that fill a model batch each. Printed is
what a job takes from POST to end, how much of that it waits (all that is no stage's time), and what
one model batch of the bulk work takes. Exit status 1 if bulk work adds more waiting than that.
``--without-express`` shows the same without a worker that is kept free for interactive work.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import httpx
from sqlalchemy import Engine, select

from bench.overhead import end_of, post
from client.stack.services import service_processes
from client.stack.stack import EmbeddedStack
from shared.database import connect
from shared.settings import Settings
from shared.tables import Job, JobStatus, Priority
from tests.media_factory import face_video

BULK_CLIPS = 40
SHORT_S = 3


class Taken(NamedTuple):
    """What one job took, in seconds."""

    total_s: float
    waited_s: float


def score_one(http: httpx.Client, upload: str) -> Taken:
    """Score one clip interactively."""
    timings: dict[str, Any] = end_of(http, post(http, upload))["timings"]
    return Taken(timings["total_s"], timings["total_s"] - sum(timings["stages"].values()))


def say(what: str, taken: Sequence[Taken]) -> Taken:
    """Print and return the medians."""
    middle = Taken(median(one.total_s for one in taken), median(one.waited_s for one in taken))
    worst = max(one.waited_s for one in taken)
    print(
        f"{what}: {len(taken)} jobs, {middle.total_s:.2f} s each; waited {middle.waited_s:.3f} s, "
        f"at most {worst:.3f} s"
    )
    return middle


def batch_seconds(engine: Engine) -> list[float]:
    """Return what the model took for each bulk job that has ended; its windows are one batch."""
    ended = (Job.priority == Priority.BULK) & (Job.status == JobStatus.SUCCEEDED)
    with engine.connect() as connection:
        return [stages["inference"] for stages in connection.scalars(select(Job.stage_seconds).where(ended))]


def main() -> int:
    """Measure, print, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--without-express", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="avemotion-bench-") as name:
        folder = Path(name)
        settings = Settings(data_dir=folder / "data", port=0)
        short = face_video(folder / "short.mp4", duration_s=SHORT_S)
        windows = settings.inference_windows
        long = face_video(folder / "long.mp4", duration_s=settings.window_s * windows)
        services = partial(service_processes, express=not options.without_express)
        with (
            EmbeddedStack(settings, services=services) as stack,
            httpx.Client(base_url=stack.api_url, timeout=90, trust_env=False) as http,
        ):
            uploads = [
                http.post("/upload/video", content=clip.read_bytes()).json()["id"] for clip in (short, long)
            ]
            # Each of the processes that may take it has loaded what it needs then.
            for _ in range(6):
                score_one(http, uploads[0])
            alone = say("alone", [score_one(http, uploads[0]) for _ in range(options.rounds)])
            for _ in range(BULK_CLIPS):
                post(http, uploads[1], "bulk")
            end_of(http, http.get("/jobs?limit=200").json()["jobs"][-1]["job_id"])
            beside = say("beside bulk work", [score_one(http, uploads[0]) for _ in range(options.rounds)])
            batches = batch_seconds(connect(stack.settings, pool_size=1))
            left = BULK_CLIPS - len(batches)
    batch_s, added_s = median(batches), beside.waited_s - alone.waited_s
    print(f"one model batch: {windows} windows, {batch_s:.3f} s; {left} bulk clips were still waiting")
    print(f"bulk work adds {added_s:.3f} s of waiting (goal: at most one model batch)")
    return int(added_s > batch_s or left == 0)


if __name__ == "__main__":
    sys.exit(main())
