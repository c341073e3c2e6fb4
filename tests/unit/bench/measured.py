"""Measurements that nobody made."""

from __future__ import annotations

from bench.model.contender import Precision
from bench.model.results import Agreement, Case, Memory, Peak, PresetResult, ProductTime, Spread
from worker.model.presets import Preset

MIB = 2**20
MINI = Preset("mini", width=24, depth=2, heads=2)


def case(
    precision: Precision, batch: int, ours_s: float, theirs_s: float | None = None, alone_s: float = 0
) -> Case:
    """A case whose products take ``alone_s`` in all; 0 for none."""
    products = (
        ProductTime(
            "fc1", 2, 10**9, {"torch, whole": spread(alone_s / 4), "tensorflow, whole": spread(alone_s)}
        ),
        ProductTime(
            "fc2", 1, 10**9, {"torch, whole": spread(alone_s), "tensorflow, whole": spread(alone_s / 2)}
        ),
    )
    return Case(
        precision,
        batch,
        spread(ours_s),
        None if theirs_s is None else spread(theirs_s),
        products if alone_s else (),
    )


def memory(precision: Precision, ours_mib: int, theirs_mib: int) -> Memory:
    """Peaks of processes that held 100 MiB when they had loaded, 50 MiB of it code."""
    ours, theirs = (Peak(100 * MIB, peak * MIB, 50 * MIB) for peak in (ours_mib, theirs_mib))
    return Memory(precision, 4, ours, theirs)


def result(preset: str, *cases: Case, memories: tuple[Memory, ...] = ()) -> PresetResult:
    """A result of these cases."""
    return PresetResult(preset, (Agreement("float32", 1e-6, 1e-6),), cases, memories)


def spread(seconds: float) -> Spread:
    """What always takes as long."""
    return Spread.of([seconds])
