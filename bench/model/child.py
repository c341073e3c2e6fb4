"""The process that contenders live in: a request a line in, an answer a line out.

Usage: python -m bench.model.child SETUP
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from functools import partial
from typing import Any, cast

import numpy as np

from bench.model.contender import Contender, Setup, create
from bench.model.memory import measure_peak

MEMORY_RUNS = 3
PROFILED_RUNS = 3


def main() -> None:
    """Answer until no request is left."""
    # Libraries print what they like: the way to the parent is out of their reach.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    setup = Setup.from_json(json.loads(sys.argv[1]))
    contenders: dict[tuple[str, str], Contender] = {}
    for line in sys.stdin:
        request = json.loads(line)
        key = request.pop("kind"), request.pop("precision")
        if key not in contenders:
            contenders[key] = create(*key, setup)
        result = answer(contenders[key], request)
        print(json.dumps({"result": result, "cpu_s": time.process_time()}), file=answers, flush=True)


def answer(contender: Contender, request: dict[str, Any]) -> Any:
    """Do what is asked for."""
    batch = request["batch"]
    match request["ask"]:
        case "prepare":
            contender.prepare(batch)
        case "visit":
            return visit(contender, batch, request["seconds"])
        case "outputs":
            np.savez(request["path"], **cast("Any", contender.outputs(batch)))
        case "memory":
            return measure_peak(partial(_run, contender, batch, MEMORY_RUNS))
        case "profile":
            from bench.model.profile import profile  # noqa: PLC0415 - brings TensorFlow

            return profile(lambda: contender.sample(batch), PROFILED_RUNS)
        case other:
            raise ValueError(f"{other!r} cannot be asked for.")
    return None


def visit(contender: Contender, batch: int, seconds: float) -> dict[str, list[float]]:
    """Return all samples of so much time, at least one, by name."""
    samples: dict[str, list[float]] = defaultdict(list)
    end = time.perf_counter() + seconds
    while True:
        for name, sample in contender.sample(batch).items():
            samples[name].append(sample)
        if time.perf_counter() >= end:
            return samples


def _run(contender: Contender, batch: int, runs: int) -> None:
    contender.prepare(batch)
    for _ in range(runs - 1):
        contender.sample(batch)


if __name__ == "__main__":
    main()
