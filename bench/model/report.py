"""Measurements as tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from bench.model.contender import Precision
from bench.model.results import Case, PresetResult, Spread
from bench.model.targets import SHORT, SINGLE_BATCH, Verdict, judge, window_ratio

MIB = 2**20
GIGA = 1e9
PROFILE_ROWS = 14
# The products that a layer computes.
PRODUCTS_OF = {
    "patch_embedding/projection": ("patches",),
    "attention/qkv": ("qkv",),
    "attention": ("scores", "values"),
    "attention/projection": ("projection",),
    "fc1": ("fc1",),
    "fc2": ("fc2",),
}


def times_table(results: list[PresetResult]) -> Table:
    """Return seconds a clip: the median and, in brackets, the quartiles."""
    table = Table(title="Seconds a clip, median (quartiles); GEMM ceiling: its matrix products alone")
    for name in ("preset", "precision", "batch"):
        table.add_column(name)
    for name in ("ours", "transformers", "ratio", "ceiling", "GFLOP/s", "share"):
        table.add_column(name, justify="right")
    for result in results:
        for case in result.cases:
            table.add_row(result.preset, SHORT[case.precision], str(case.batch), *_times(case))
    return table


def memory_table(results: list[PresetResult]) -> Table:
    """Return the peaks."""
    table = Table(title="Peak memory of the process, MiB (above the loaded model)")
    for name in ("preset", "precision", "batch"):
        table.add_column(name)
    for name in ("ours", "transformers", "ratio"):
        table.add_column(name, justify="right")
    for result in results:
        for memory in result.memory:
            peaks = (
                f"{peak.peak_bytes / MIB:.0f} ({(peak.peak_bytes - peak.loaded_bytes) / MIB:.0f})"
                for peak in (memory.ours, memory.transformers)
            )
            ratio = f"{memory.ratio:.2f} ({memory.ratio_above_loaded:.2f})"
            table.add_row(result.preset, SHORT[memory.precision], str(memory.batch), *peaks, ratio)
    return table


def targets_table(results: list[PresetResult]) -> Table:
    """Return each target beside the measurement."""
    table = Table(title="Targets")
    for name in ("preset", "target", "measured", "limit", ""):
        table.add_column(name)
    for result in results:
        for verdict in judge(result):
            limit = f"{'at least' if verdict.at_least else 'at most'} {verdict.limit:.2f}"
            table.add_row(result.preset, verdict.name, f"{verdict.value:.3f}", limit, _word(verdict))
    return table


def profile_table(result: PresetResult, precision: Precision) -> Table:
    """Return where the time of one forward goes, products beside their time alone."""
    rows = result.profiles[precision]
    total_s = sum(row["seconds"] for row in rows)
    title = f"{result.preset} {SHORT[precision]}: {total_s:.3f} s in TensorFlow's operations, smallest batch"
    table = Table(title=title)
    for name in ("where", "operation"):
        table.add_column(name)
    for name in ("times", "ms", "%", "ms alone"):
        table.add_column(name, justify="right")
    case = next(case for case in result.cases if case.precision == precision)
    for row in rows[:PROFILE_ROWS]:
        alone_s = _alone_s(case, row) if "MatMul" in row["operation"] else None
        table.add_row(
            row["where"],
            row["operation"],
            str(row["count"]),
            f"{row['seconds'] * 1e3:.1f}",
            f"{row['seconds'] / total_s * 100:.1f}",
            "" if alone_s is None else f"{alone_s * 1e3:.1f}",
        )
    rest_s = sum(row["seconds"] for row in rows[PROFILE_ROWS:])
    table.add_row("rest", "", "", f"{rest_s * 1e3:.1f}", f"{rest_s / total_s * 100:.1f}", "")
    products_s = sum(row["seconds"] for row in rows if "MatMul" in row["operation"])
    table.add_row("", "all products", "", f"{products_s * 1e3:.1f}", f"{products_s / total_s * 100:.1f}", "")
    return table


def closing_line(result: PresetResult) -> str:
    """Return one preset in one line."""
    parts = [part for precision in SHORT if (part := _speed(result, precision))]
    windows = [w for precision in SHORT if (w := window_ratio(result, precision)) is not None]
    if windows:
        parts.append(f"batch 8/1 {max(windows):.2f}")
    if result.memory:
        parts.append(f"peak memory {max(memory.ratio for memory in result.memory):.2f} of transformers'")
    return f"{result.preset:<6}{'; '.join([*parts, _outcome(judge(result))])}"


def noise(result: PresetResult) -> str | None:
    """Return how quiet the machine was, if it tells."""
    if result.others_share is None:
        return None
    return f"{result.preset}: other processes took {result.others_share:.0%} of the processors meanwhile."


def _times(case: Case) -> Iterator[str]:
    yield _spread(case.ours, case.batch)
    yield "" if case.transformers is None else _spread(case.transformers, case.batch)
    yield "" if case.ratio is None else f"{case.ratio:.2f}"
    yield "" if case.ceiling_s is None else f"{case.ceiling_s / case.batch:.3f}"
    yield "" if case.ceiling_flops_per_s is None else f"{case.ceiling_flops_per_s / GIGA:.0f}"
    yield "" if case.share is None else f"{case.share:.0%}"


def _spread(spread: Spread, batch: int) -> str:
    median, low, high = (seconds / batch for seconds in (spread.median_s, spread.low_s, spread.high_s))
    return f"{median:.3f} ({low:.3f}-{high:.3f})"


def _speed(result: PresetResult, precision: Precision) -> str | None:
    """Return the part of the line on one precision, at the smallest batch that was measured."""
    cases = [case for case in result.cases if case.precision == precision]
    if not cases:
        return None
    case = min(cases, key=lambda case: case.batch)
    ratio = "" if case.ratio is None else f", {case.ratio:.2f} of transformers"
    share = "" if case.share is None else f", {case.share * 100:.0f} % of the GEMM ceiling"
    batch = "" if case.batch == SINGLE_BATCH else f" a clip in batches of {case.batch}"
    return f"{SHORT[precision]} {case.ours.median_s / case.batch:.3g} s{batch}{ratio}{share}"


def _outcome(verdicts: list[Verdict]) -> str:
    missed = [verdict.name for verdict in verdicts if not verdict.met]
    if missed:
        return f"{len(missed)} of {len(verdicts)} targets missed: " + ", ".join(missed)
    return f"all {len(verdicts)} targets met" if verdicts else "no target for this"


def _word(verdict: Verdict) -> str:
    return "met" if verdict.met else "missed"


def _alone_s(case: Case, row: dict[str, Any]) -> float | None:
    names = PRODUCTS_OF.get(row["where"], ())
    return sum(product.forward_s for product in case.products if product.name in names) or None
