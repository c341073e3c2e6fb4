"""The report in a few lines, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from training.evaluation.document import AblationRow, Estimate, Report
from training.evaluation.text import figure, interval, signed


def summary_lines(report: Report) -> Iterator[str]:
    """Yield what a person wants to know before opening the report, in lines of a name and its figures."""
    rates, calibration = report.rates, report.calibration
    speakers = f" of {rates.speakers} speakers" if rates.speakers else ""
    ece = f"{figure(calibration.after.ece)}, before scaling {figure(calibration.before.ece)}"
    rows = [
        ("samples", f"{rates.samples}{speakers}"),
        ("UAR", f"{_ranged(rates.uar)}; always the same answer: {figure(report.chance_uar)}"),
        ("WAR", f"{_ranged(rates.war)}; always the most frequent: {figure(report.majority_war)}"),
        ("macro F1", _ranged(rates.macro_f1)),
        ("recall", ", ".join(f"{row.label} {figure(row.recall)}" for row in report.by_label)),
        ("ECE", f"{ece}; temperature {figure(calibration.temperature)}"),
        *((f"CCC {row.dimension}", _ranged(row.ccc)) for row in report.affect.regression),
        *((row.name, _rival(row)) for row in report.ablation),
        *(("note", note) for note in report.notes),
    ]
    width = max(len(name) for name, _ in rows)
    return (f"{name:<{width}}  {text}" for name, text in rows)


def _rival(row: AblationRow) -> str:
    return f"UAR {_ranged(row.rates.uar)}, {signed(row.uar_difference)} to the model"


def _ranged(estimate: Estimate) -> str:
    known = "" if estimate.low is None else f" ({interval(estimate)})"
    return f"{figure(estimate)}{known}"
