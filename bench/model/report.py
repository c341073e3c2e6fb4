"""Measurements as tables and sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich import box
from rich.table import Table

from bench.model.contender import Precision
from bench.model.results import Case, PresetResult, Spread
from bench.model.targets import SHORT, SINGLE_BATCH, Verdict, judge, window_ratio

MIB = 2**20
GIGA = 1e9


def make_table(title: str, texts: Iterable[str], numbers: Iterable[str]) -> Table:
    """Return an empty table that fits into 80 columns."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in texts:
        table.add_column(name)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def times_table(results: list[PresetResult]) -> Table:
    """Return seconds a clip of everybody."""
    table = make_table(
        "Seconds a clip: median ± half the interquartile range",
        ["preset"],
        ["ours", "transformers", "ratio", "ceiling", "GFLOP/s", "share"],
    )
    for result in results:
        for case in result.cases:
            name = f"{result.preset} {SHORT[case.precision]}, batch {case.batch}"
            table.add_row(name, *case_cells(case))
    table.caption = "Ceiling: the matrix products alone; share: of our time."
    return table


def case_cells(case: Case) -> Iterator[str]:
    """Yield ours, transformers, ratio, ceiling, its rate, and its share of our time."""
    yield _spread(case.ours, case.batch)
    yield "" if case.transformers is None else _spread(case.transformers, case.batch)
    yield "" if case.ratio is None else f"{case.ratio:.2f}"
    yield "" if case.ceiling_s is None else f"{case.ceiling_s / case.batch:.3g}"
    yield "" if case.ceiling_flops_per_s is None else f"{case.ceiling_flops_per_s / GIGA:.0f}"
    yield "" if case.share is None else f"{case.share * 100:.0f} %"


def memory_table(results: list[PresetResult]) -> Table:
    """Return the peaks of both."""
    table = make_table(
        "Peak memory, MiB",
        ["preset", "counted"],
        ["ours", "transformers", "ratio"],
    )
    for result in results:
        for memory in result.memory:
            name = f"{result.preset} {SHORT[memory.precision]}, batch {memory.batch}"
            ours, theirs = memory.ours, memory.transformers
            for counted, our_bytes, their_bytes, ratio in (
                ("whole process", ours.peak_bytes, theirs.peak_bytes, memory.ratio),
                ("without libraries' code", ours.private_bytes, theirs.private_bytes, memory.ratio_private),
                (
                    "beyond the loaded model",
                    ours.above_loaded_bytes,
                    theirs.above_loaded_bytes,
                    memory.ratio_above_loaded,
                ),
            ):
                table.add_row(
                    name, counted, f"{our_bytes / MIB:.0f}", f"{their_bytes / MIB:.0f}", f"{ratio:.2f}"
                )
    return table


def targets_table(verdicts: Iterable[tuple[str, Verdict]]) -> Table:
    """Return each target beside what was measured, by name of whom."""
    table = make_table("Targets", ["", "target"], ["measured", "limit", ""])
    for name, verdict in verdicts:
        limit = f"{'at least' if verdict.at_least else 'at most'} {verdict.limit:.2f}"
        table.add_row(name, verdict.name, f"{verdict.value:.3f}", limit, "met" if verdict.met else "missed")
    return table


def closing_line(result: PresetResult) -> str:
    """Return one preset in one line."""
    parts = [part for precision in SHORT if (part := _speed(result, precision))]
    windows = [ratio for precision in SHORT if (ratio := window_ratio(result, precision)) is not None]
    if windows:
        parts.append(f"batch 8/1 {max(windows):.2f}")
    if result.memory:
        parts.append(f"peak memory {max(memory.ratio for memory in result.memory):.2f} of transformers'")
    return f"{result.preset:<5} {'; '.join([*parts, outcome(judge(result))])}"


def outcome(verdicts: list[Verdict]) -> str:
    """Return whether all targets are met, and else which are not."""
    missed = [verdict.name for verdict in verdicts if not verdict.met]
    if missed:
        return f"{len(missed)} of {len(verdicts)} targets missed ({'; '.join(missed)})"
    return f"all {len(verdicts)} targets met" if verdicts else "no target"


def noise(result: PresetResult) -> str | None:
    """Return how quiet the machine was, if it tells."""
    if result.others_share is None:
        return None
    return f"{result.preset}: meanwhile others took {result.others_share * 100:.0f} % of the processors."


def _speed(result: PresetResult, precision: Precision) -> str | None:
    """Return the part of the line on one precision, at the smallest batch that was measured."""
    cases = [case for case in result.cases if case.precision == precision]
    if not cases:
        return None
    case = min(cases, key=lambda case: case.batch)
    batch = "" if case.batch == SINGLE_BATCH else f" a clip in batches of {case.batch}"
    ratio = "" if case.ratio is None else f", {case.ratio:.2f} of transformers"
    share = "" if case.share is None else f", {case.share * 100:.0f} % of the GEMM ceiling"
    return f"{SHORT[precision]} {_seconds(case.ours.median_s / case.batch)} s{batch}{ratio}{share}"


def _spread(spread: Spread, batch: int) -> str:
    half = (spread.high_s - spread.low_s) / 2 / spread.median_s
    return f"{_seconds(spread.median_s / batch)} ±{half * 100:.0f}%"


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds >= 0.1 else f"{seconds:.4f}"  # noqa: PLR2004 - three digits that tell
