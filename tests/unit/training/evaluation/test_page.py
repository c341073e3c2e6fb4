from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from plotly.graph_objects import Figure
from plotly.offline import get_plotlyjs

from tests.unit.training.evaluation.scores import LABELS, make_scored, with_affect
from training.evaluation.charts import ablation_chart, curve_charts, reliability_chart
from training.evaluation.document import Report
from training.evaluation.page import page_of
from training.evaluation.report import build_report

EVIL = "<script>alert(1)</script><b>&\"'"
CURVES = {
    f"fold {fold}": [
        {"epoch": epoch, "train_loss": 1 / epoch, "validation_loss": 2 / epoch, "validation_uar": epoch / 9}
        for epoch in (1, 2, 3)
    ]
    for fold in (1, 2)
}
# Sections that only some reports have.
OPTIONAL = ("Folds", "Ablation", "Groups", "Training")
# Attributes through which a browser would fetch something.
FETCHING = {"src", "href", "srcset", "data", "action", "poster", "background", "formaction"}


class Elements(HTMLParser):
    """Collects elements with their attributes, and the text outside of scripts and styles."""

    def __init__(self) -> None:
        """Start with nothing."""
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep text that is shown."""
        if self.found and self.found[-1][0] not in ("script", "style"):
            self.text += data


def parsed(report: Report) -> Elements:
    elements = Elements()
    elements.feed(page_of(report))
    return elements


@pytest.fixture(scope="module")
def full() -> Report:
    """A report in which every section has something to say."""
    columns = with_affect(make_scored(), "annotated")
    columns["affect_sources"] = ["annotated"] * 140 + ["class_constant"] * 140
    made = make_scored(**columns)
    return build_report(
        made,
        title="A model",
        curves=CURVES,
        ablation={"video only": make_scored(signal=0.5)},
        context={"data": {"labels": "file names"}, "commit": "abc", "recipe": {"epochs": 3, "seeds": [1, 2]}},
        pseudo_labels=dict.fromkeys(LABELS, (0.5, -0.5)),
        details={key: {"sex": "female" if row % 2 else "male"} for row, key in enumerate(made.keys)},
    )


def test_page_loads_nothing_from_elsewhere(full: Report) -> None:
    """No element, style or script of ours names another address, and the page forbids itself to."""
    page = page_of(full)
    ours = page.replace(get_plotlyjs(), "")

    found = parsed(full).found
    assert not [(tag, attributes) for tag, attributes in found if FETCHING & attributes.keys()]
    assert {tag for tag, _ in found}.isdisjoint({"link", "img", "iframe", "object", "embed", "base"})
    assert not re.search(r"https?:|url\(|@import|//\w", ours)
    assert "default-src 'none'" in ours
    assert page.count(get_plotlyjs()) == 1


def named(name: str) -> Report:
    """Return a report in which all that people name is called the same."""
    made = make_scored(labels=(name, *LABELS[1:]), datasets=[name] * 280)
    return build_report(
        made,
        title=name,
        curves={name: [{"epoch": 1, name: 1.0}]},
        ablation={name: made},
        context={name: {name: [name]}, "data": name},
        pseudo_labels={name: (0.0, 0.0)},
        details={key: {name: f"a {name}" if row % 2 else "male"} for row, key in enumerate(made.keys)},
    )


def test_every_name_is_escaped() -> None:
    """Markup in titles, labels, names and context is shown as it is, and makes no element."""
    evil, plain = parsed(named(EVIL)), parsed(named("plain"))
    escaped = re.compile(r"(&lt;|\\u0026lt;)script(&gt;|\\u0026gt;)alert\(1\)")

    assert [tag for tag, _ in evil.found] == [tag for tag, _ in plain.found]
    assert evil.text.lower() == plain.text.lower().replace("plain", EVIL)
    assert "alert(1)" not in escaped.sub("", page_of(named(EVIL)))


def test_page_says_what_the_report_says(full: Report) -> None:
    """Figures with intervals, labels, folds, groups, ablation and origin all stand on the page."""
    text = " ".join(parsed(full).text.split())
    uar = full.rates.uar

    for heading in ("Results", "Calibration", "Valence and arousal", "Data", "How it was made", *OPTIONAL):
        assert heading in text
    assert f"unweighted average recall {uar.value:.3f} ({uar.low:.3f} to {uar.high:.3f})" in text
    recall = full.by_label[0].recall
    assert f"anger40{recall.value:.3f}{recall.low:.3f} to {recall.high:.3f}" in text
    assert "280 samples of 20 speakers" in text
    assert "Agreement with class constants (pseudo-labels). Not a result of regression." in text
    assert "video only" in text
    assert "file names" in text
    assert "epochs" in text


def test_what_is_not_known_has_no_section() -> None:
    """A bare report has no folds, ablation, groups or curves, and says why there is no valence."""
    text = parsed(build_report(make_scored(folds=1), title="A")).text

    for heading in OPTIONAL:
        assert heading not in text
    assert "nothing is reported of them" in " ".join(text.split())


def test_charts_are_what_plotly_draws(full: Report) -> None:
    """Plotly's own checks accept each chart, and the page carries them unchanged."""
    curves = curve_charts(full.curves)
    charts: list[dict[str, Any]] = [
        reliability_chart(full.calibration),
        ablation_chart(full.rates, full.ablation),
        *(chart for _, chart in curves),
    ]
    for chart in charts:
        Figure(chart)

    carried = re.findall(r'<script type="application/json">(.*?)</script>', page_of(full))
    assert [family for family, _ in curves] == ["Loss", "Rate"]
    assert sorted(carried, key=len) == sorted(
        (text for text in carried if json.loads(text) in charts), key=len
    )
    assert len(carried) == len(charts)


def test_curves_of_many_columns_are_sorted_into_charts() -> None:
    """Losses share a chart, rates another; what is neither has its own; gaps are left out."""
    rows = [
        {"epoch": 1.0, "train_loss": 2.0, "validation_war": 0.3, "learning_rate": 0.1, "ccc_valence": None},
        {"epoch": 2.0, "train_loss": None, "validation_war": 0.4, "learning_rate": 0.1, "ccc_valence": None},
    ]
    charts = dict(curve_charts({"run": rows}))

    assert list(charts) == ["Agreement (CCC)", "Loss", "Rate", "Learning rate"]
    assert charts["Agreement (CCC)"]["data"] == []
    assert charts["Loss"]["data"][0]["y"] == [2.0, None]
    assert charts["Rate"]["data"][0]["x"] == [1.0, 2.0]
    assert curve_charts({}) == []
