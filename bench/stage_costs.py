"""What a clip costs: processor time of each stage, and what a job costs the servers.

Usage: python -m bench.stage_costs [--out bench/scaling/measured.json] [--media 120] [--quick]

- Stages: each one alone, in a process with one thread, of clips of three sizes; FFmpeg's time is counted.
- Models: each installed model on all cores, one window at a time and as many as are claimed at a time.
- Servers: jobs through a running service with one media child, each kind of process with a database user of
  its own. What Valkey does without work is taken off; workers and API do next to nothing then.

Processor time and counts, no wall time: other work on the machine does not change them much. The result is
what ``bench/scaling_simulation.py`` computes with. ``--quick`` measures the shortest clip and the usual
model alone, once.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from bench.batch_intake import processor_s
from bench.model.machine import Bystanders, facts
from bench.scaling.clips import SIZES, Size, make_clip
from bench.scaling.costs import MEASURED, ClipCost, Measured, ModelCost, write_measured
from bench.scaling.servers import CountedService
from bench.scaling.stages import media_costs, model_cost, spent
from bench.scaling.tables import tables
from client.stack.services import ONE_THREAD
from shared.catalog import load_catalog
from shared.settings import Settings

T = TypeVar("T")

IDLE_S = 15
FEWEST_JOBS = 2
WARM_JOBS = 4


def apart(variables: Mapping[str, str], work: Callable[..., T], *arguments: Any) -> T:
    """Run a function in a process of its own, with these environment variables from its start."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(work, *arguments).result()
    finally:
        os.environ.clear()
        os.environ.update(before)


def measure(folder: Path, sizes: tuple[Size, ...], *, media_s: float, quick: bool) -> Measured:
    """Measure all of it."""
    bystanders, before_s = Bystanders(), processor_s() + sum(spent())
    clips = {size: make_clip(folder, size) for size in sizes}
    settings = Settings(data_dir=folder / "bare")
    stages = {}
    for size, clip in clips.items():
        rounds = 1 if quick else max(2, round(30 / size.seconds))
        stages[size] = apart(ONE_THREAD, media_costs, settings, clip, rounds)
        print(f"stages of {size.name} measured", flush=True)
    models = {}
    for model in [settings.model] if quick else sorted(load_catalog(None)):
        models[model] = ModelCost(window_s=apart({}, model_cost, model, 1 if quick else 5))
        print(f"model {model} measured", flush=True)
    found: dict[str, ClipCost] = {}
    with CountedService(folder / "service") as service:
        uploads = {}
        for size, clip in clips.items():
            answer = service.http.post("/upload/video", content=clip.read_bytes())
            uploads[size] = answer.raise_for_status().json()["id"]
        service.score(uploads[sizes[0]], WARM_JOBS)
        idle = service.idle(2 if quick else IDLE_S)
        for size, clip in clips.items():
            jobs = max(FEWEST_JOBS, round(media_s / size.seconds))
            costs, windows = stages[size]
            found[size.name] = ClipCost(
                seconds=size.seconds,
                height=size.height,
                windows=windows,
                upload_bytes=clip.stat().st_size,
                stages=costs,
                servers=service.cost(uploads[size], jobs, idle),
            )
            print(f"{jobs} jobs of {size.name} measured", flush=True)
        # Now with what they held under load.
        idle = service.holding(idle)
    return Measured(
        command=f"python -m bench.stage_costs --media {media_s:g}",
        date=datetime.now(UTC).date().isoformat(),
        machine=facts(),
        others_share=bystanders.share(processor_s() + sum(spent()) - before_s),
        clips=found,
        models=models,
        idle=idle,
    )


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=MEASURED)
    parser.add_argument("--quick", action="store_true", help="to see that it runs")
    parser.add_argument(
        "--media", type=float, default=120, help="seconds of media through the service, a size"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="avemotion-bench-") as name:
        measured = measure(
            Path(name),
            SIZES[:1] if options.quick else SIZES,
            media_s=0 if options.quick else options.media,
            quick=options.quick,
        )
    write_measured(measured, options.out)
    print(tables(measured))
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
