"""What a fleet of up to 1,000 workers does, simulated with measured costs, and what is full first.

Usage: python -m bench.scaling_simulation [--without-validation] [--clip 3s-360p] [--model videomae-nano]
       python -m bench.scaling_simulation --clips-an-hour 20000 --clip 10s-720p

First the simulation is held against this machine: clips a second through the media stages with one and two
media children, by ``bench/media_children.py`` in the same run and as simulated on as many cores. Then fleets
of 10, 100 and 1,000 workers (media children and inference workers, in the numbers that keep each other busy)
work on endless bulk clips, while interactive ones come at random. Costs are those of
``bench/scaling/measured.json``; ``python -m bench.stage_costs`` measures them anew.

With ``--clips-an-hour`` it prints the fleet for that rate instead, and simulates it. Exit status 1 if the
simulation is off by more than a fifth.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path
from statistics import median

from bench.media_children import CHILDREN, Round, measure, told
from bench.scaling.costs import MEASURED, ClipCost, Measured, read_measured
from bench.scaling.fleet import (
    Fleet,
    ceilings,
    connections,
    inference_s,
    media_s,
    model_beyond_s,
    model_window_s,
    needed,
    shared_out,
)
from bench.scaling.simulation import Load, Outcome, simulate
from bench.scaling.tables import grid

WORKERS = (10, 100, 1000)
# Of what the workers can do, interactive; and how busy those are kept that wait for it alone.
INTERACTIVE_SHARE = 0.05
EXPRESS_BUSY = 0.5
BUSY = 0.7
MOST_ERROR = 0.2
# Where servers and clients share a machine.
NEAR = {"round_trip_s": 0.0001, "flush_s": 0.002}
GBIT = 1e9 / 8


def run_length(clip: ClipCost, fleet: Fleet) -> Load:
    """Return how long to simulate: some rounds of every worker."""
    round_s = max(media_s(clip, fleet), fleet.window_s * fleet.batch)
    return Load(warm_s=6 * round_s + 5, seconds=20 * round_s + 10)


def simulated_children(measured: Measured, clip: ClipCost, children: int) -> float:
    """Return the clips a second of media children on this machine, as simulated."""
    cores = len(os.sched_getaffinity(0))
    fleet = Fleet(media=children, inference=0, window_s=1, cores=cores, **NEAR)
    load = replace(run_length(clip, fleet), seconds=100 * clip.media_s)
    return simulate(measured, clip, fleet, load).fused_s


def validate(measured: Measured, rounds: Sequence[Round]) -> float:
    """Print measured and simulated rates side by side; return the largest error."""
    clip = measured.clips["3s-360p"]
    rows = [["3 s, 360p", "measured", "simulated", "error"]]
    errors = []
    rates = {}
    for children in CHILDREN:
        real = median(each.service[children].clips_s for each in rounds)
        thought = simulated_children(measured, clip, children)
        rates[children] = (real, thought)
        errors.append(thought / real - 1)
        name = f"{children} media child{'ren' if children > 1 else ''}, clips a second"
        rows.append([name, f"{real:.2f}", f"{thought:.2f}", f"{errors[-1]:+.0%}"])
    real, thought = (rates[2][at] / rates[1][at] for at in (0, 1))
    rows.append(["ratio", f"{real:.2f}", f"{thought:.2f}", f"{thought / real - 1:+.0%}"])
    print(grid(rows))
    return max(map(abs, errors))


def loaded(measured: Measured, clip: ClipCost, fleet: Fleet) -> tuple[Fleet, Outcome]:
    """Simulate endless bulk work beside interactive clips; return the fleet with its express workers, too."""
    interactive_s = INTERACTIVE_SHARE * fleet.media / media_s(clip, fleet)
    express = min(fleet.media, max(1, ceil(interactive_s * media_s(clip, fleet) / EXPRESS_BUSY)))
    fleet = replace(fleet, express=express)
    return fleet, simulate(
        measured, clip, fleet, replace(run_length(clip, fleet), interactive_s=interactive_s)
    )


def row(measured: Measured, clip: ClipCost, fleet: Fleet) -> list[str]:
    """Return what a fleet does as the cells of a row."""
    fleet, came = loaded(measured, clip, fleet)
    could = min(fleet.media / media_s(clip, fleet), fleet.inference / inference_s(clip, fleet))
    p95 = came.waited_s(0.95)
    held = connections(measured, fleet)
    full = ceilings(measured, clip, fleet)
    server = next(each for each in full if each.what not in {"media children", "inference workers"})
    return [
        f"{fleet.media + fleet.inference}: {fleet.media} + {fleet.inference}",
        f"{came.clips_s:.1f}",
        f"{came.clips_s / could:.0%}",
        *(f"{came.busy[name]:.0%}" for name in ("API", "PostgreSQL", "Valkey", "storage")),
        f"{held}" + ("" if fleet.pool or held + 3 <= fleet.database_connections else " (too many)"),
        "-" if p95 is None else f"{p95:.2f} s",
        f"{server.what}, at {server.clips_s:.0f}/s",
    ]


HEAD = [
    "workers: media + inference",
    "clips a second",
    "of what the workers can do",
    "API",
    "PostgreSQL",
    "Valkey",
    "storage",
    "connections",
    "interactive: 95 % waited at most",
    "of the servers, full first",
]


def fleets(measured: Measured, clip: ClipCost, given: Fleet, *, grown: bool) -> str:
    """Return a table of fleets; ``grown``, with servers of the size that they need."""
    rows = [HEAD]
    for workers in WORKERS:
        given = replace(given, beyond_s=model_beyond_s(measured, clip))
        media, inference = shared_out(workers, clip, given)
        fleet = replace(given, media=media, inference=inference)
        if grown:
            fleet = grow(clip, fleet, media / media_s(clip, fleet))
        rows.append(row(measured, clip, fleet))
    return grid(rows)


def grow(clip: ClipCost, fleet: Fleet, clips_s: float) -> Fleet:
    """Return a fleet with servers that are busy for 0.7 of the time at a rate."""
    servers = clip.servers
    moved = 2 * clip.written_bytes * clips_s
    return replace(
        fleet,
        api=max(2, ceil(clips_s * servers.roles["api"].cpu_s / BUSY)),
        database_cores=max(2, ceil(clips_s * servers.database_s / BUSY)),
        storage_bytes_s=max(GBIT, moved / BUSY),
        pool=max(20, 4 * ceil(clips_s * servers.database_s / BUSY)),
    )


def plan(measured: Measured, clip: ClipCost, given: Fleet, clips_an_hour: float) -> str:
    """Return the fleet for a rate as lines, with what it did when it was simulated."""
    clips_s = clips_an_hour / 3600
    given = replace(given, beyond_s=model_beyond_s(measured, clip))
    media, inference = needed(clips_s, clip, given, BUSY)
    fleet = grow(clip, replace(given, media=media, inference=inference), clips_s)
    load = replace(run_length(clip, fleet), bulk_s=clips_s)
    came = simulate(measured, clip, fleet, replace(load, seconds=load.seconds * 4))
    moved = 2 * clip.written_bytes * clips_s * 8 / 1e9
    kept = (clip.upload_bytes + clip.servers.kept_bytes) * clips_s * 86400 / 1e9
    held = connections(measured, replace(fleet, pool=0))
    busy = ", ".join(f"{name} {share:.0%}" for name, share in came.busy.items())
    lines = [
        f"{clips_an_hour:g} clips an hour, {clips_s:.2f} a second, with everything busy for {BUSY:.0%}:",
        f"  media children      {media} (one is busy with a clip for {media_s(clip, fleet):.2f} s)",
        f"  inference workers   {inference} (for {inference_s(clip, fleet):.2f} s)",
        f"  API processes       {fleet.api}",
        f"  PostgreSQL          {fleet.database_cores} cores; {held} connections without a pooler",
        f"  storage             {moved:.2f} Gbit/s; {kept:.0f} GB a day are kept",
        f"simulated: {came.clips_s:.2f} clips a second; busy: {busy}",
    ]
    return "\n".join(lines)


def options_of(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--measured", type=Path, default=MEASURED)
    parser.add_argument("--clip", help="a size of the measurement; all of them when not given")
    parser.add_argument("--model", default="videomae-nano")
    parser.add_argument("--inference-cores", type=int, default=1, help="cores of an inference worker")
    parser.add_argument(
        "--window-ms", type=float, help="what a window takes an inference worker, as on a GPU"
    )
    parser.add_argument("--database-cores", type=int, default=4)
    parser.add_argument("--database-connections", type=int, default=100)
    parser.add_argument("--api", type=int, default=2, help="API processes")
    parser.add_argument("--storage-gbit", type=float, default=10)
    parser.add_argument("--round-trip-ms", type=float, default=0.5)
    parser.add_argument("--flush-ms", type=float, default=1, help="until a commit is on disk")
    parser.add_argument("--clips-an-hour", type=float)
    parser.add_argument("--without-validation", action="store_true")
    parser.add_argument("--rounds", type=int, default=2, help="of the measurement that is compared with")
    parser.add_argument("--clips", type=int, default=30, help="of each of its turns")
    return parser.parse_args(arguments)


def main() -> int:
    """Validate, simulate, and print."""
    options = options_of()
    measured = read_measured(options.measured)
    window_s = (
        options.window_ms / 1000
        if options.window_ms
        else model_window_s(measured, options.model, options.inference_cores)
    )
    given = Fleet(
        media=1,
        inference=1,
        window_s=window_s,
        api=options.api,
        database_cores=options.database_cores,
        database_connections=options.database_connections,
        round_trip_s=options.round_trip_ms / 1000,
        flush_s=options.flush_ms / 1000,
        storage_bytes_s=options.storage_gbit * GBIT,
    )
    clips = {options.clip: measured.clips[options.clip]} if options.clip else measured.clips
    if options.clips_an_hour:
        for name, clip in clips.items():
            print(f"{name}: {plan(measured, clip, given, options.clips_an_hour)}")
        return 0
    error = 0.0
    if not options.without_validation:
        rounds = []
        for number, found in enumerate(measure(options.rounds, options.clips, 3), 1):
            rounds.append(found)
            print(told(number, found), flush=True)
        error = validate(measured, rounds)
    for name, clip in clips.items():
        print(f"\n{name}, servers as given:\n{fleets(measured, clip, given, grown=False)}", flush=True)
        print(
            f"\n{name}, servers as large as needed:\n{fleets(measured, clip, given, grown=True)}", flush=True
        )
    print(f"\nlargest error of the simulation: {error:.0%} (goal: at most {MOST_ERROR:.0%})")
    return int(error > MOST_ERROR)


if __name__ == "__main__":
    sys.exit(main())
