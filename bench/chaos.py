"""Whether every job ends once, whatever is killed meanwhile.

Usage: python bench/chaos.py [--jobs 2000] [--every 10] [--seed N] [--folder FOLDER]

Short clips go through a real service of this machine (API, janitor, media, express and inference worker,
Valkey, PostgreSQL, all as ``avemotion serve`` runs them) while every ``--every`` seconds one of them, or a
child of it, is killed with SIGKILL and started again by the service's own supervisor. Clients post each clip
with an ``Idempotency-Key``, ask again when they get no answer, and wait for the end of its job. Printed are
each fault, and the proof: every question that was asked of the database, with its answer. Exit status 1
if an answer is not what it should be, or a process, file or piece of shared memory was left.

``AVEMOTION_MAX_LOSSES``, the leases and all else that faults are borne with keep their defaults: what is
tested is the service as it is shipped. So a job whose unit of work was hit three times may end in
``worker_lost``: that is an end, counted apart, and the proof looks whether so many of its workers were lost.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

if __name__ == "__main__":
    # Run by path, Python looks for modules in this folder, where ours would stand in for others.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.faults.plan import Plan
from bench.faults.run import run


def main() -> int:
    """Read the command line, run, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--every", type=float, default=10, help="seconds from one fault to the next")
    parser.add_argument("--seed", type=int, help="of the faults' draw; printed")
    parser.add_argument("--faults", type=int, help="most faults; as many as there is time for when unset")
    parser.add_argument("--clients", type=int, default=16, help="jobs that are open at a time")
    parser.add_argument("--limit", type=float, default=300, help="seconds in which each job has to end")
    parser.add_argument("--folder", type=Path, help="keep data and logs in this new folder")
    options = parser.parse_args()
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    plan = Plan(
        jobs=options.jobs,
        every_s=options.every,
        most_faults=options.faults,
        seed=seed,
        clients=options.clients,
        limit_s=options.limit,
    )
    return run(plan, options.folder)


if __name__ == "__main__":
    sys.exit(main())
