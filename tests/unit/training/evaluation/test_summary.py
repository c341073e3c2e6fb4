from __future__ import annotations

import numpy as np

from tests.unit.training.evaluation.scores import UNKNOWN, make_scored, with_affect
from training.evaluation.document import Estimate
from training.evaluation.report import build_report
from training.evaluation.summary import summary_lines
from training.evaluation.text import figure, interval, signed


def test_summary_says_what_matters() -> None:
    """Figures with intervals, recalls, calibration, ablation and notes stand in lines that align."""
    made = make_scored(speakers=UNKNOWN, **with_affect(make_scored(), "annotated"))
    report = build_report(made, title="A", ablation={"video only": make_scored(speakers=UNKNOWN, signal=0.5)})
    lines = {line[: line.index("  ")]: line for line in summary_lines(report)}
    uar = report.rates.uar

    assert f"{uar.value:.3f} ({uar.low:.3f} to {uar.high:.3f}); always the same answer: 0.143" in lines["UAR"]
    assert f"anger {report.by_label[0].recall.value:.3f}, disgust" in lines["recall"]
    assert f"temperature {report.calibration.temperature:.3f}" in lines["ECE"]
    assert "CCC valence" in lines
    assert "speakers are not known" in lines["note"]
    assert lines["video only"].endswith(f", {signed(report.ablation[0].uar_difference)} to the model")
    starts = {len(line) - len(line[len(name) :].lstrip()) for name, line in lines.items()}
    assert len(starts) == 1


def test_constants_of_a_class_are_not_summed_up_as_ccc() -> None:
    """No CCC is told of pseudo-labels."""
    report = build_report(make_scored(**with_affect(make_scored(), "class_constant")), title="A")

    assert not any("CCC" in line for line in summary_lines(report))


def test_figures_are_written_to_three_digits() -> None:
    """What is not known is a dash, and a difference has a sign unless it is nothing."""
    assert figure(np.float64(0.12345)) == "0.123"
    assert figure(None) == "-"
    assert figure(Estimate.of(float("nan"))) == "-"
    assert signed(-0.0001) == "+0.000"
    assert signed(-0.25) == "\N{MINUS SIGN}0.250"
    assert interval(Estimate.of(0.5, 0.25, 0.75)) == "0.250 to 0.750"
    assert interval(Estimate.of(0.5)) == "-"
    assert interval(Estimate.of(-0.5, -0.75, 0.25), sign=True) == "\N{MINUS SIGN}0.750 to +0.250"
