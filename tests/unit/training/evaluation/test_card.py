from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from shared.catalog.card import ModelCard
from tests.unit.training.evaluation.scores import LABELS, make_scored, with_affect
from training.evaluation.card import card_text, metrics_of
from training.evaluation.card_input import CardInput, DataSource
from training.evaluation.document import Report
from training.evaluation.report import build_report
from training.evaluation.text import figure, interval

INPUT = CardInput(
    id="nano",
    description="A small model.",
    licence="CC-BY-NC-4.0",
    date=dt.date(2026, 1, 2),
    made_by="The avemotion project.",
    architecture="nano: 3 M parameters.",
    intended_uses=("Research on acted clips.",),
    data=(DataSource("EmoDB", "free to use", "speech", "Burkhardt et al. 2005"),),
    evaluation="Speakers left out in turn.",
    limits=("Ten speakers.",),
    how_made="`avemotion train nano`",
    out_of_scope=("Children.",),
    ethics=("Actors agreed.",),
)


@pytest.fixture(scope="module")
def report() -> Report:
    """Two data sets, one of them without labels, and annotated valence and arousal."""
    truth = np.where(np.arange(280) < 240, np.array(make_scored().truth), -1)
    names = ["EmoDB"] * 120 + ["CREMA-D"] * 120 + ["MAFW"] * 40
    affect = with_affect(make_scored(), "annotated")
    return build_report(make_scored(truth=truth, datasets=names, **affect), title="A")


def test_metrics_are_flat_numbers_that_a_card_takes(report: Report) -> None:
    """Names are flat, values finite, and ModelCard's field accepts them."""
    metrics = metrics_of(report)
    field = ModelCard.model_fields["metrics"]

    assert field.annotation == dict[str, float]
    assert all(isinstance(value, float) and np.isfinite(value) for value in metrics.values())
    assert metrics["war"] == report.rates.war.value
    assert metrics["uar_low"] == report.rates.uar.low
    assert metrics["uar_high"] == report.rates.uar.high
    assert metrics["ece"] == report.calibration.after.ece
    assert metrics["ece_unscaled"] == report.calibration.before.ece
    assert metrics["temperature"] == report.calibration.temperature
    assert metrics["recall_anger"] == report.by_label[0].recall.value
    assert metrics["ccc_valence"] == report.affect.regression[0].ccc.value
    assert {"uar_emodb", "uar_crema_d"} <= metrics.keys()
    assert "uar_mafw" not in metrics
    assert (metrics["samples"], metrics["speakers"]) == (240, 18)


def test_agreement_with_constants_is_no_metric() -> None:
    """No figure of pseudo-labels reaches the card's metrics."""
    constants = build_report(make_scored(**with_affect(make_scored(), "class_constant")), title="A")

    assert constants.affect.class_constants
    assert not [name for name in metrics_of(constants) if "valence" in name or "arousal" in name]


def test_figures_without_a_value_are_left_out() -> None:
    """A label that does not occur has no recall in the metrics."""
    truth = np.where(np.array(make_scored().truth) == 1, 0, np.array(make_scored().truth))

    assert "recall_disgust" not in metrics_of(build_report(make_scored(truth=truth), title="A"))


def test_card_has_the_sections_of_model_cards(report: Report) -> None:
    """All sections of Mitchell et al. stand in it, with what was given and what was measured."""
    text = card_text(report, INPUT)
    uar = report.rates.uar

    for heading in (
        "Model details",
        "Intended use",
        "Out-of-scope uses",
        "Factors",
        "Metrics and quantitative analyses",
        "Evaluation data",
        "Training data",
        "Ethical considerations",
        "Caveats and recommendations",
    ):
        assert f"\n## {heading}\n" in text
    assert "Article 5(1)(f) of the EU AI Act" in text
    assert f"| unweighted average recall (UAR) | {uar.value:.3f} | {uar.low:.3f} to {uar.high:.3f} |" in text
    assert "| EmoDB | free to use | speech | Burkhardt et al. 2005 |" in text
    for given in (
        "- Children.",
        "- Ten speakers.",
        "- Actors agreed.",
        "`avemotion train nano`",
        "2026-01-02",
    ):
        assert given in text
    assert "- There are only 18 speakers" in text


def test_card_tells_the_data_sets_apart(report: Report) -> None:
    """Each has its own figures; one that has no labels has none, and one alone is no mixture."""
    text = card_text(report, INPUT)
    rows = {row.name: row for row in report.datasets}

    for name in ("EmoDB", "CREMA-D"):
        rates = rows[name].rates
        assert rates is not None
        assert f"| {name} | 120 | {figure(rates.uar)} | {interval(rates.uar)} | {figure(rates.war)} |" in text
    assert "| MAFW | 0 |" not in text
    assert "each data set by itself" not in card_text(build_report(make_scored(), title="A"), INPUT)


def test_card_names_the_groups_that_were_compared(report: Report) -> None:
    """Groups stand with their difference; without any the card says that nobody looked."""
    made = make_scored()
    details = {
        key: {"sex": "female" if row % 2 else "male", "take": "a" if row % 3 else "b"}
        for row, key in enumerate(made.keys)
    }

    text = card_text(build_report(made, title="A", details=details), INPUT)

    assert "| sex: female | 140 |" in text
    assert "take" not in text
    assert "no groups were compared" in card_text(report, INPUT)


def test_names_cannot_break_the_tables() -> None:
    """Every row of a table has as many cells as its head, whatever labels and sources are called."""
    evil = make_scored(labels=("a|b", "<i>c</i>", *LABELS[2:]), datasets=["x|[y](z)"] * 280)
    sources = (DataSource("two\nlines", "free", "all"),)
    text = card_text(build_report(evil, title="A"), replace(INPUT, data=sources))
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]

    assert len(blocks) == 5
    for block in blocks:
        cells = {line.replace("\\|", "").count("|") for line in block}
        assert len(cells) == 1
    assert "| two lines | free |" in text
    assert "<i>" not in text.replace("\\<i\\>", "")


def test_samples_without_an_answer_are_told(report: Report) -> None:
    """How many were left out stands in the card, and what the accuracy is with them."""
    war = report.rates.war.value or 0.0

    text = card_text(report, replace(INPUT, unscored=60))

    assert "60 more samples" in text
    assert f"make the accuracy {war * 240 / 300:.3f}" in text
    assert "more samples" not in card_text(report, INPUT)
