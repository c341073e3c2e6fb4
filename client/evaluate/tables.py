"""The evaluation as tables in a terminal; plain columns elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from client.render.text import printable
from training.evaluation.document import Estimate, Rates, Report
from training.evaluation.parts import PartTable
from training.evaluation.served import Evaluation
from training.evaluation.text import NONE, figure, interval

PLAIN_WIDTH = 240
"""Columns of a table that goes into a file or a pipe: nothing is cut off there."""
MOST_PARTS = 40
HEAD_CELLS = 5
"""Of a label above a column of the confusion matrix; whole names stand beside its rows, in the same order."""


def print_evaluation(evaluation: Evaluation) -> None:
    """Print all of it to stdout."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    for entry in _entries(evaluation, console):
        console.print(entry, soft_wrap=isinstance(entry, Text) and not console.is_terminal)


def _entries(evaluation: Evaluation, console: Console) -> Iterator[RenderableType]:
    report = evaluation.report
    speakers = f" of {report.rates.speakers:,} speakers" if report.rates.speakers else ""
    yield Text(f"{printable(report.title)}: {report.rates.samples:,} clips{speakers}", style="bold")
    yield _main(evaluation, console)
    yield _by_label(report, console)
    yield _confusion(report, console)
    if report.affect.regression:
        yield _affect(report, console)
    if evaluation.parts is not None:
        yield from _parts(evaluation.parts, console)
    yield Text("To be read with them", style="bold")
    for sentence in (*evaluation.notes, *evaluation.affect_refused):
        yield Text(f"  {printable(sentence)}")


def _main(evaluation: Evaluation, console: Console) -> Table:
    report = evaluation.report
    table = _table(console, "", "value", "95 % interval", "most frequent")
    rows: list[tuple[str, Estimate, float | None]] = [
        ("UAR, unweighted average recall", report.rates.uar, report.chance_uar),
        ("WAR, accuracy", report.rates.war, report.majority_war),
        ("macro F1", report.rates.macro_f1, None),
    ]
    if evaluation.war_with_failures is not None:
        rows.insert(2, ("WAR, failed clips as wrong", evaluation.war_with_failures, None))
    for name, estimate, chance in rows:
        table.add_row(name, figure(estimate), interval(estimate), figure(chance))
    table.add_row("ECE, calibration error", figure(report.calibration.before.ece), NONE, NONE)
    return table


def _by_label(report: Report, console: Console) -> Table:
    table = _table(console, "emotion", "clips", "recall", "95 % interval", "precision", "F1")
    for row in report.by_label:
        table.add_row(
            printable(row.label),
            f"{row.support:,}",
            figure(row.recall),
            interval(row.recall),
            figure(row.precision),
            figure(row.f1),
        )
    return table


def _confusion(report: Report, console: Console) -> Table:
    heads = [printable(label)[:HEAD_CELLS] for label in report.labels]
    table = _table(console, "true \\ answer", *heads)
    for label, row in zip(report.labels, report.confusion, strict=True):
        table.add_row(printable(label), *(f"{count:,}" for count in row))
    return table


def _affect(report: Report, console: Console) -> Table:
    table = _table(console, "annotated", "clips", "CCC", "95 % interval", "MAE", "95 % interval")
    for row in report.affect.regression:
        table.add_row(
            row.dimension,
            f"{row.samples:,}",
            *(figure(row.ccc), interval(row.ccc), figure(row.mae), interval(row.mae)),
        )
    return table


def _parts(parts: PartTable, console: Console) -> Iterator[RenderableType]:
    table = _table(console, parts.by, "clips", "WAR", "95 % interval", "UAR", "95 % interval", "macro F1")
    for row in parts.rows[:MOST_PARTS]:
        table.add_row(printable(row.value), f"{row.samples:,}", *_cells(row.rates))
    yield table
    if len(parts.rows) > MOST_PARTS:
        yield Text(f"  and {len(parts.rows) - MOST_PARTS:,} more; --json and --html have them all")


def _cells(rates: Rates | None) -> tuple[str, ...]:
    if rates is None:
        return (NONE,) * 5
    return (
        *(figure(rates.war), interval(rates.war)),
        *(figure(rates.uar), interval(rates.uar)),
        figure(rates.macro_f1),
    )


def _table(console: Console, first: str, *others: str) -> Table:
    """Return an empty table, ruled on a terminal and plain elsewhere."""
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for other in others:
        table.add_column(other, justify="right", no_wrap=True)
    return table
