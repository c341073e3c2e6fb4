"""What the model is held to, and whether a measurement shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.model.contender import Precision
from bench.model.results import Case, PresetResult

# Our time in that of transformers, and the ceiling's time in ours.
RATIO_AT_MOST: dict[tuple[str, Precision], float] = {("base", "float32"): 0.60, ("base", "bfloat16"): 0.70}
SHARE_AT_LEAST: dict[tuple[str, Precision], float] = {("base", "float32"): 0.80, ("base", "bfloat16"): 0.68}
MEMORY_RATIO_AT_MOST = 1.0
# The same on a card.
CARD_RATIO_AT_MOST = 1.0
CARD_SHARE_AT_LEAST = 0.45
# A window's time in a large batch in that of one alone.
WINDOW_RATIO_AT_MOST = 1.05
SINGLE_BATCH, MEMORY_BATCH, LARGE_BATCH = 1, 4, 8
SHORT: dict[Precision, str] = {"float32": "fp32", "bfloat16": "bf16"}


@dataclass(frozen=True)
class Verdict:
    """One target beside what was measured.

    Attributes:
        name: What was measured, like ``fp32 of transformers, batch 1``.
        value: The measurement.
        limit: The target.
        at_least: Whether the value must not be lower; else it must not be higher.
    """

    name: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the target is reached."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def judge(result: PresetResult) -> list[Verdict]:
    """Return all targets that the measurement speaks of."""
    return [*_speed(result), *_windows(result), *_memory(result)]


def judge_on_card(case: Case) -> list[Verdict]:
    """Return the targets of a forward on a GPU."""
    verdicts = []
    if case.ratio is not None:
        verdicts.append(Verdict(f"of transformers, batch {case.batch}", case.ratio, CARD_RATIO_AT_MOST))
    if case.share is not None:
        name = f"of the product rate, batch {case.batch}"
        verdicts.append(Verdict(name, case.share, CARD_SHARE_AT_LEAST, at_least=True))
    return verdicts


def window_ratio(result: PresetResult, precision: Precision) -> float | None:
    """Return a window's time in a batch of 8 in that of one alone, if both were measured."""
    single, large = (result.case(precision, batch) for batch in (SINGLE_BATCH, LARGE_BATCH))
    if single is None or large is None:
        return None
    return large.ours.median_s / LARGE_BATCH / (single.ours.median_s / SINGLE_BATCH)


def _speed(result: PresetResult) -> Iterator[Verdict]:
    for case in result.cases:
        key, short = (result.preset, case.precision), SHORT[case.precision]
        if case.ratio is not None and key in RATIO_AT_MOST:
            yield Verdict(f"{short} of transformers, batch {case.batch}", case.ratio, RATIO_AT_MOST[key])
        if case.share is not None and key in SHARE_AT_LEAST:
            name = f"{short} of the GEMM ceiling, batch {case.batch}"
            yield Verdict(name, case.share, SHARE_AT_LEAST[key], at_least=True)


def _windows(result: PresetResult) -> Iterator[Verdict]:
    for precision, short in SHORT.items():
        ratio = window_ratio(result, precision)
        if ratio is not None:
            name = f"{short} a window, batch {LARGE_BATCH}/{SINGLE_BATCH}"
            yield Verdict(name, ratio, WINDOW_RATIO_AT_MOST)


def _memory(result: PresetResult) -> Iterator[Verdict]:
    for memory in result.memory:
        name = f"{SHORT[memory.precision]} peak memory, batch {memory.batch}"
        yield Verdict(name, memory.ratio, MEMORY_RATIO_AT_MOST)
