"""The model card: its figures for ``card.json``, and the page for people, ``CARD.md``.

Sections after Mitchell et al. (2019), Model cards for model reporting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from training.evaluation.card_input import ETHICS, FORBIDDEN_USES, CardInput, DataSource
from training.evaluation.document import Agreement, DatasetRow, Estimate, LabelFigures, Rates, Report
from training.evaluation.text import figure, interval, signed

# What was said, and how often, is of the recordings and not of the people; the report has it.
_OF_THE_SCRIPT = frozenset({"sentence", "take"})

SPECIAL = re.compile(r"([\\`*_\[\]<>|])")


def metrics_of(report: Report) -> dict[str, float]:
    """Return the figures for ``ModelCard.metrics``: flat names, those without a value left out.

    ``war``, ``uar`` and ``macro_f1`` have ``_low`` and ``_high`` (95 %); ``ece``, ``nll`` and ``brier`` are
    after temperature scaling. Agreement with class constants is not among them: it measures no regression.
    """
    after, before = report.calibration.after, report.calibration.before
    rates = report.rates
    ranged = {"war": rates.war, "uar": rates.uar, "macro_f1": rates.macro_f1}
    for row in report.affect.regression:
        ranged |= {f"ccc_{row.dimension}": row.ccc, f"mae_{row.dimension}": row.mae}
    figures: dict[str, float | None] = {}
    for name, entry in ranged.items():
        figures |= {name: entry.value, f"{name}_low": entry.low, f"{name}_high": entry.high}
    figures |= {f"recall_{row.label}": row.recall.value for row in report.by_label}
    figures |= {
        "ece": after.ece,
        "ece_unscaled": before.ece,
        "nll": after.nll.value,
        "brier": after.brier.value,
    }
    figures |= {"temperature": report.calibration.temperature}
    figures |= {"samples": float(rates.samples), "speakers": float(rates.speakers)}
    if len(report.datasets) > 1:
        figures |= {
            f"uar_{_name(row.name)}": row.rates.uar.value for row in report.datasets if row.rates is not None
        }
    return {name: value for name, value in figures.items() if value is not None}


def card_text(report: Report, card: CardInput) -> str:
    """Return ``CARD.md``."""
    sections = {
        "Model details": _details(card),
        "Intended use": _bullets(card.intended_uses),
        "Out-of-scope uses": _bullets((*FORBIDDEN_USES, *card.out_of_scope)),
        "Training data": _sources(card.data),
        "Evaluation data": _evaluation(report, card),
        "Metrics and quantitative analyses": _figures(report),
        "Factors": _factors(report),
        "Caveats and recommendations": _bullets((*report.notes, *card.limits)),
        "Ethical considerations": _bullets((*ETHICS, *card.ethics)),
        "How it was made": iter([card.how_made]),
    }
    body = [f"# {card.id}", card.description]
    for heading, lines in sections.items():
        body += [f"## {heading}", "\n".join(lines)]
    return "\n\n".join(body) + "\n"


def _details(card: CardInput) -> Iterator[str]:
    yield from _table(
        ("", ""),
        [
            ("Made by", card.made_by),
            ("Date", card.date.isoformat()),
            ("Licence of the weights", card.licence),
            ("Architecture", card.architecture),
        ],
    )


def _sources(sources: Iterable[DataSource]) -> Iterator[str]:
    rows = [(source.name, source.licence, source.use, source.reference) for source in sources]
    yield from _table(("data set", "licence", "what of it, and what for", "reference"), rows)


def _evaluation(report: Report, card: CardInput) -> Iterator[str]:
    speakers = f" of {report.rates.speakers} speakers" if report.rates.speakers else ""
    yield f"{card.evaluation}\n"
    yield f"Figures are from {report.rates.samples} labelled samples{speakers}, none of them trained on:\n"
    yield from _table(
        ("data set", "samples", *(_escaped(label) for label in report.labels)),
        [
            (_escaped(row.name), str(row.samples), *(str(row.counts[label]) for label in report.labels))
            for row in report.datasets
        ],
    )
    war, samples = report.rates.war.value, report.rates.samples
    if card.unscored and war is not None:
        whole = war * samples / (samples + card.unscored)
        yield (
            f"\n{card.unscored:,} more samples, without a face or a voice that was found, are left out of "
            f"the figures. Counted as wrong answers they make the accuracy {figure(whole)}."
        )


def _figures(report: Report) -> Iterator[str]:
    boot, calibration, rates = report.bootstrap, report.calibration, report.rates
    yield (
        f"Intervals: 95 %, {boot.draws} draws of {boot.clusters} {boot.unit} with replacement. Always naming "
        f"the most frequent emotion gives a UAR of {figure(report.chance_uar)} and a WAR of "
        f"{figure(report.majority_war)}.\n"
    )
    rows = [
        _row("unweighted average recall (UAR)", rates.uar),
        _row("accuracy (WAR)", rates.war),
        _row("macro F1", rates.macro_f1),
        ("calibration error (ECE), 15 bins", figure(calibration.after.ece), "-"),
        ("the same before temperature scaling", figure(calibration.before.ece), "-"),
        _row("negative log-likelihood, nats", calibration.after.nll),
        *(row for entry in report.affect.regression for row in _affect_rows(entry)),
    ]
    yield from _table(("figure", "value", "95 % interval"), rows)
    yield ""
    if len(report.datasets) > 1:
        yield "All of them together are a mixture that no user has; each data set by itself:\n"
        yield from _table(
            ("data set", "samples", "UAR", "95 % interval", "accuracy", "95 % interval", "ECE"),
            [_dataset_row(row, row.rates) for row in report.datasets if row.rates is not None],
        )
        yield ""
    yield f"{report.affect.sentence}\n"
    yield from _table(
        ("emotion", "samples", "recall", "95 % interval", "precision", "F1", "excess share"),
        [_label_row(row) for row in report.by_label],
    )


def _factors(report: Report) -> Iterator[str]:
    tables = [table for table in report.groups if table.attribute not in _OF_THE_SCRIPT]
    if not tables:
        yield "Nothing was given of the people (sex, age, language, skin tone), so no groups were compared."
        return
    yield "Difference: UAR less that of all other groups, over the emotions of both.\n"
    yield from _table(
        ("group", "samples", "speakers", "UAR", "difference", "95 % interval"),
        [
            (
                f"{_escaped(table.attribute)}: {_escaped(row.value)}",
                str(row.rates.samples),
                str(row.rates.speakers or "-"),
                figure(row.rates.uar),
                signed(row.difference),
                interval(row.difference, sign=True),
            )
            for table in tables
            for row in table.rows
        ],
    )


def _dataset_row(row: DatasetRow, rates: Rates) -> tuple[str, ...]:
    figures = (figure(rates.uar), interval(rates.uar), figure(rates.war), interval(rates.war))
    return (_escaped(row.name), str(rates.samples), *figures, "-" if row.ece is None else figure(row.ece))


def _affect_rows(entry: Agreement) -> list[tuple[str, ...]]:
    return [
        _row(f"{entry.dimension}, concordance (CCC)", entry.ccc),
        _row(f"{entry.dimension}, mean absolute error", entry.mae),
    ]


def _label_row(row: LabelFigures) -> tuple[str, ...]:
    figures = (figure(row.recall), interval(row.recall), figure(row.precision), figure(row.f1))
    return (_escaped(row.label), str(row.support), *figures, signed(row.excess))


def _row(name: str, entry: Estimate) -> tuple[str, ...]:
    return name, figure(entry), interval(entry)


def _bullets(lines: Iterable[str]) -> Iterator[str]:
    return (f"- {line}" for line in lines)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for cells in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(' '.join(cell.split()) for cell in cells)} |"


def _escaped(text: str) -> str:
    """Return a name in which Markdown finds no markup."""
    return SPECIAL.sub(r"\\\1", text)


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
