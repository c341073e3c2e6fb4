"""Fuzz a target for a while with mutations of its seeds.

Usage: python -m fuzz TARGET [--seconds 60] [--seed N] [--keep FOLDER]

Prints how often each end was met. Stops at the first violation, keeps the bytes that led there, and says
with which seed it is met again; exit status 1 then. Each case has a seed of its own, which is one more
than that of the case before it.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

from fuzz.mutations import mutated, random_changes
from fuzz.seeds import SEEDS
from fuzz.targets import TARGETS


def case(target: str, seed: int) -> bytes:
    """Return the bytes of a case, which its seed alone decides."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be unknown
    seeds = [*SEEDS[target]().values()]
    data = chance.choice(seeds)
    return mutated(data, random_changes(chance, data, seeds))


def main() -> int:
    """Run, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("target", choices=[*TARGETS])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9)
    parser.add_argument("--keep", type=Path, default=Path())
    options = parser.parse_args()
    run, ends, slowest = TARGETS[options.target], Counter[str](), (0.0, 0)
    print(f"{options.target}, from seed {options.seed}", flush=True)
    # The first case loads what is slow to load.
    run(case(options.target, options.seed))
    until, seed = time.monotonic() + options.seconds, options.seed
    while time.monotonic() < until:
        data, started = case(options.target, seed), time.monotonic()
        try:
            ends[run(data)] += 1
        except BaseException:
            path = options.keep / f"crash-{options.target}-{seed}"
            path.write_bytes(data)
            print(f"seed {seed} ({path}):", flush=True)
            raise
        slowest = max(slowest, (time.monotonic() - started, seed))
        seed += 1
    for end, count in ends.most_common():
        print(f"{count:8} {end}")
    print(f"{seed - options.seed} cases, no violation; slowest {slowest[0]:.2f} s (seed {slowest[1]})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
