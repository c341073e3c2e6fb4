"""Our forward on a card, on JAX and on torch, beside transformers and the card's matrix products.

Usage: python -m bench.model.gpu [--preset large] [--batch 1 --batch 8] [--json FILE]

In one run, in turns, in bfloat16, with the clips in the card's memory and the logits fetched at the end.
Each backend has a process of its own. ``--device cpu --preset tiny`` shows that the script works where
there is no card.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.model.cases import Key, make_case
from bench.model.comparison import check_agreement, visit
from bench.model.contender import Kind, Precision, Setup
from bench.model.machine import facts
from bench.model.process import Process, start
from bench.model.products import Clip
from bench.model.report import case_cells, make_table, outcome, targets_table
from bench.model.results import Case
from bench.model.rounds import interleave
from bench.model.targets import judge_on_card
from shared.errors import AvemotionError
from worker.model.hardware import available_cores
from worker.model.presets import PRESETS

PRECISION: Precision = "bfloat16"
BACKENDS = ("jax", "torch")
REFERENCES: tuple[Kind, ...] = ("transformers", "torch-products")
# A card takes as long for it as two cores for the usual amount.
CARD_FLOPS = 4e12
# Else JAX takes most of the card's memory at its start, and torch finds none.
SHARING = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


def main() -> None:
    """Measure, print, and write the samples."""
    options = _options()
    setup = Setup(
        PRESETS[options.preset],
        Clip(frames=options.frames),
        available_cores(),
        options.device,
        CARD_FLOPS if options.device == "cuda" else 0,
        xla=options.xla,
    )
    try:
        cases = measure(setup, options.batch or [1, 8], options.rounds, options.visit_s)
    except AvemotionError as error:
        sys.exit(error.message)
    verdicts = {
        backend: [v for case in found for v in judge_on_card(case)] for backend, found in cases.items()
    }
    out = Console()
    out.print(_table(cases))
    out.print(targets_table((name, verdict) for name, found in verdicts.items() for verdict in found))
    for backend, found in verdicts.items():
        out.print(f"{setup.preset.name} on {backend}: {outcome(found)}", soft_wrap=True, highlight=False)
    if options.json:
        document = {
            "command": shlex.join(["python", "-m", "bench.model.gpu", *sys.argv[1:]]),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": {**facts(), "card": card()},
            "setup": setup.as_json(),
            "cases": {backend: [case.as_json() for case in found] for backend, found in cases.items()},
            "targets": {
                backend: [{**asdict(verdict), "met": verdict.met} for verdict in found]
                for backend, found in verdicts.items()
            },
        }
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def measure(setup: Setup, batches: list[int], rounds: int, visit_s: float) -> dict[str, list[Case]]:
    """Return a case a batch size by backend.

    Raises:
        AvemotionError: The models do not agree, or a process ended; a card that is not there ends it.
    """
    with ExitStack() as stack:
        ours = {
            backend: stack.enter_context(start(setup, {"KERAS_BACKEND": backend, **SHARING}))
            for backend in BACKENDS
        }
        reference = stack.enter_context(start(setup))
        for process in ours.values():
            check_agreement({"ours": process, "transformers": reference}, PRECISION)
        turns = {}
        for batch in batches:
            contenders: list[tuple[str, Kind, Process]] = [
                *((backend, "ours", process) for backend, process in ours.items()),
                *(("", kind, reference) for kind in REFERENCES),
            ]
            for backend, kind, process in contenders:
                key: Key = (kind, PRECISION, batch)
                process.ask("prepare", *key)
                turns[backend, key] = partial(visit, process, key, visit_s)
        samples = interleave(
            turns, rounds, float("inf"), lambda number: print(f"round {number} of {rounds}", file=sys.stderr)
        )
    return {
        backend: [
            make_case(
                setup,
                PRECISION,
                batch,
                {key: found for (of, key), found in samples.items() if of in ("", backend)},
            )
            for batch in batches
        ]
        for backend in BACKENDS
    }


def card() -> str | None:
    """Return the name of the card, its driver and its memory."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    query = [command, "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout.strip() or None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=PRESETS, default="large")
    parser.add_argument("--batch", type=int, action="append", help="clips at a time; may be repeated [1, 8]")
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--visit-s", type=float, default=1.0, help="least seconds of one turn")
    parser.add_argument("--xla", choices=("auto", "on", "off"), default="auto", help="as in serving [auto]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample, too")
    return parser.parse_args()


def _table(cases: Mapping[str, list[Case]]) -> Table:
    table = make_table(
        "Seconds a clip in bfloat16: median ± half the interquartile range",
        ["backend"],
        ["ours", "transformers", "ratio", "products", "GFLOP/s", "share"],
    )
    for backend, found in cases.items():
        for case in found:
            table.add_row(f"{backend}, batch {case.batch}", *case_cells(case))
    return table


if __name__ == "__main__":
    main()
