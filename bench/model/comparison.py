"""One preset, measured beside transformers and its own matrix products."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.model.cases import MODELS, PRODUCTS, Key, make_case
from bench.model.contender import Kind, Precision, Setup
from bench.model.machine import Bystanders
from bench.model.process import Process, start
from bench.model.results import Agreement, Memory, Peak, PresetResult
from bench.model.rounds import Samples, interleave
from bench.model.targets import LARGE_BATCH
from shared.errors import AvemotionError, ErrorCode

PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
# The largest difference of two outputs, in the largest value: other arithmetic is another model.
TOLERANCES: dict[Precision, float] = {"float32": 2e-5, "bfloat16": 5e-2}

Outputs = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        batches: Clips at a time. The largest, 8, is measured of ours only.
        memory_batch: Clips at a time in the measurement of memory; None for none.
        rounds: Turns of each contender.
        visit_s: Least time of one turn.
        seconds_limit: For the rounds of a preset.
        with_profile: Whether to look where our time goes.
    """

    batches: tuple[int, ...]
    memory_batch: int | None
    rounds: int
    visit_s: float
    seconds_limit: float
    with_profile: bool = False


def compare(setup: Setup, plan: Plan, tell: Callable[[str], None]) -> PresetResult:
    """Measure a preset.

    Raises:
        AvemotionError: The models do not agree, or a process ended.
    """
    name = setup.preset.name
    memory = []
    if plan.memory_batch is not None:
        tell(f"{name}: memory")
        memory = [measure_memory(setup, precision, plan.memory_batch) for precision in PRECISIONS]
    tell(f"{name}: loading")
    with ExitStack() as stack:
        # A library in each, so that their threads do not get in each other's way.
        tensorflow, torch = (stack.enter_context(start(setup)) for _ in range(2))
        processes = dict(zip((*MODELS, *PRODUCTS), (tensorflow, torch) * 2, strict=True))
        agreement = tuple(check_agreement(processes, precision) for precision in PRECISIONS)
        keys = turns(plan.batches)
        for kind, precision, batch in keys:
            processes[kind].ask("prepare", kind, precision, batch)
        bystanders, own_s = Bystanders(), time.process_time() + tensorflow.cpu_s + torch.cpu_s
        samples = interleave(
            {key: partial(visit, processes[key[0]], key, plan.visit_s) for key in keys},
            plan.rounds,
            plan.seconds_limit,
            lambda number: tell(f"{name}: round {number} of {plan.rounds}"),
        )
        others = bystanders.share(time.process_time() + tensorflow.cpu_s + torch.cpu_s - own_s)
        profiles = {
            precision: tensorflow.ask("profile", "ours", precision, min(plan.batches))
            for precision in PRECISIONS
            if plan.with_profile
        }
    cases = tuple(
        make_case(setup, precision, batch, samples) for precision in PRECISIONS for batch in plan.batches
    )
    return PresetResult(name, agreement, cases, tuple(filter(None, memory)), profiles, others)


def turns(batches: tuple[int, ...]) -> list[Key]:
    """Return who is measured: ours at every batch size, the others at all but the large one."""
    return [
        (kind, precision, batch)
        for batch in batches
        for precision in PRECISIONS
        for kind in (*MODELS, *PRODUCTS)
        if kind == "ours" or batch < LARGE_BATCH
    ]


def check_agreement(processes: Mapping[Kind, Process], precision: Precision) -> Agreement:
    """Return how far the outputs of ours and of transformers are apart; see ``agree``."""
    outputs = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in MODELS:
            path = Path(folder) / f"{kind}.npz"
            processes[kind].ask("outputs", kind, precision, 1, path=str(path))
            with np.load(path) as arrays:
                outputs.append(dict(arrays))
    return agree(precision, *outputs)


def agree(precision: Precision, ours: Outputs, theirs: Outputs) -> Agreement:
    """Return how far tokens and logits are apart.

    Raises:
        AvemotionError: ``INTERNAL_ERROR``: further than ``TOLERANCES``, so that times would say nothing.
    """
    apart = {
        name: float(np.abs(ours[name] - theirs[name]).max() / np.abs(theirs[name]).max())
        for name in ("tokens", "logits")
    }
    # What is not a number is within no limit.
    if not all(difference <= TOLERANCES[precision] for difference in apart.values()):
        differences = " and ".join(f"{name} by {difference:.2g}" for name, difference in apart.items())
        raise AvemotionError(
            ErrorCode.INTERNAL_ERROR,
            f"Our {precision} model is not that of transformers: of the largest value, {differences}.",
        )
    return Agreement(precision, **apart)


def measure_memory(setup: Setup, precision: Precision, batch: int) -> Memory | None:
    """Return the peaks of both models, each in a fresh process; None where the system does not tell."""
    peaks = []
    for kind in MODELS:
        with start(setup) as process:
            document = process.ask("memory", kind, precision, batch)
        if document is None:
            return None
        peaks.append(Peak(**document))
    return Memory(precision, batch, *peaks)


def visit(process: Process, key: Key, seconds: float) -> Samples:
    """Let one contender have its turn."""
    samples: Samples = process.ask("visit", *key, seconds=seconds)
    return samples
