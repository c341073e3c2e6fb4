"""Evaluation of what a service answered: the report, and what only such results have.

A training scores its samples with models that have not seen them. A service fails on some, may be asked about
emotions that its model does not know, and cannot tell whether the model was trained on what it is asked.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from plotly.offline import get_plotlyjs
from pydantic import Field

from training.evaluation.bootstrap import clusters_of, estimate, resample
from training.evaluation.charts import reliability_chart
from training.evaluation.document import Estimate, Part, Report
from training.evaluation.page import template
from training.evaluation.parts import PartTable
from training.evaluation.scored import Scored

FORMAT: Literal[1] = 1
TEMPLATE = "served.html"


class Evaluation(Part):
    """What is known of a service's answers to a data set."""

    format: Literal[1] = FORMAT
    clips: int = Field(description="Rows of the results.")
    failed: dict[str, int] = Field(description="Clips without an answer, by error code.")
    open: dict[str, int] = Field(description="Clips that were cancelled or have not ended, by status.")
    left_out: dict[str, int] = Field(description="Answered clips that no figure counts, by reason.")
    war_with_failures: Estimate | None = Field(
        description="Accuracy if each failed clip is a wrong answer; null where none failed."
    )
    affect_refused: tuple[str, ...] = Field(
        description="Why valence and arousal, or a part of them, are not compared."
    )
    notes: tuple[str, ...] = Field(description="What a reader must know of the results.")
    parts: PartTable | None = Field(description="Figures part by part, where they were asked for.")
    report: Report


def accuracy_with_failures(asked: Scored, answered: NDArray[np.bool_]) -> Estimate:
    """Return the accuracy over all labelled samples, those without an answer counted as wrong.

    Args:
        asked: Labelled samples, N; the scores of those without an answer do not matter.
        answered: Which of them have one, bool (N,).
    """
    right = answered & (asked.logits.argmax(-1) == asked.truth)
    columns = np.stack([right, np.ones(len(asked))], axis=-1).astype(np.float64)
    return estimate(resample(columns, clusters_of(asked)), lambda sums: sums[..., 0] / sums[..., 1])


def page_of_evaluation(evaluation: Evaluation) -> str:
    """Return the evaluation as HTML that needs nothing else; every name in it is escaped."""
    report = evaluation.report
    return template(TEMPLATE).render(
        evaluation=evaluation,
        report=report,
        reliability=reliability_chart(report.calibration),
        curves=[],
        plotly=get_plotlyjs(),
    )
