"""What the parts have found, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch

from rich.table import Table

from bench.checkpoint.results import Clips, Comparison, Speed, Stills
from bench.model.report import make_table
from training.evaluation.document import Estimate, Rates
from training.evaluation.text import NONE, figure, signed


@singledispatch
def tables(result: object) -> Iterator[Table | str]:
    """Yield what is printed of a part."""
    raise TypeError(f"There is no table of {type(result).__name__}.")


@tables.register
def _stills(result: Stills) -> Iterator[Table | str]:
    table = make_table(result.data, ["pictures"], ["number", "accuracy", "macro recall", "ECE"])
    table.add_row("all; no face is wrong", *_rates(result.all_pictures), "")
    table.add_row("with a face", *_rates(result.with_face.rates), figure(result.with_face.ece))
    yield table
    shares = make_table(
        "With a face, by emotion", ["emotion"], ["share", "said", "said - share", "recall", "precision"]
    )
    count = result.with_face.rates.samples
    for row in result.with_face.by_label:
        shares.add_row(
            row.label,
            figure(row.support / count),
            figure(row.predicted / count),
            signed(row.excess),
            figure(row.recall),
            figure(row.precision),
        )
    yield shares


@tables.register
def _comparison(result: Comparison) -> Iterator[Table | str]:
    table = make_table(result.title, [""], ["accuracy", "change", "macro recall", "change"])
    rates = result.rates
    table.add_row(result.reference, figure(rates.war), "", figure(rates.uar), "", style="bold")
    for row in result.rows:
        table.add_row(
            row.name,
            figure(row.rates.war),
            _changed(row.war_difference),
            figure(row.rates.uar),
            _changed(row.uar_difference),
        )
    yield table
    yield from result.notes


@tables.register
def _clips(result: Clips) -> Iterator[Table | str]:
    shown = list(result.right)
    table = make_table("Real clips", ["clip", "truth", *shown], [])
    for row in result.rows:
        table.add_row(
            row.clip, row.truth or NONE, *(_said(row.said[name], row.confidence[name]) for name in shown)
        )
    table.add_row(
        "right, of the labelled", str(result.labelled), *(str(result.right[name]) for name in shown)
    )
    yield table


@tables.register
def _speed(result: Speed) -> Iterator[Table | str]:
    table = make_table(
        f"The warm service on {result.cores} cores, one job at a time",
        ["clip"],
        ["length", "median", "fastest", "slowest", "stages", "of real time"],
    )
    for row in result.rows:
        table.add_row(
            row.clip,
            f"{row.duration_s:g} s",
            f"{row.median_s:.2f} s",
            f"{min(row.total_s):.2f} s",
            f"{max(row.total_s):.2f} s",
            f"{sorted(row.stages_s)[len(row.stages_s) // 2]:.2f} s",
            f"{row.of_real_time:.2f}",
        )
    yield table


def _rates(rates: Rates) -> Iterator[str]:
    yield str(rates.samples)
    for estimate in (rates.war, rates.uar):
        yield f"{figure(estimate)}{_half(estimate)}"


def _changed(estimate: Estimate) -> str:
    return f"{signed(estimate)}{_half(estimate)}"


def _half(estimate: Estimate) -> str:
    """Return half the width of a 95 % interval; its ends are in the JSON."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f" ±{figure((estimate.high - estimate.low) / 2)}"


def _said(emotion: str | None, confidence: float | None) -> str:
    return NONE if emotion is None else f"{emotion} {figure(confidence)}"
