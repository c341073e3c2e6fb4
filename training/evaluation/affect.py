"""Valence and arousal: regression where people annotated them, and nothing of that name where nobody did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from training.evaluation.bootstrap import clusters_of, estimate, resample
from training.evaluation.concordance import concordance, correlation, mean_error, moment_columns
from training.evaluation.document import Affect, Agreement
from training.evaluation.scored import Scored

DIMENSIONS: tuple[Literal["valence", "arousal"], ...] = ("valence", "arousal")
CONSTANTS = (
    "Where no person annotated valence and arousal, training took one constant for each class. Agreement "
    "with these pseudo-labels tells how well the class is told, not how well valence and arousal are, and is "
    "no result of regression."
)
NOTHING = "No sample has both a predicted and a true valence or arousal, so nothing is reported of them."
ANNOTATED = "Valence and arousal are compared with what people annotated."


def affect_of(scored: Scored, pseudo_labels: Mapping[str, tuple[float, float]]) -> Affect:
    """Return the figures of valence and arousal, annotated and constant truth apart.

    Args:
        scored: All samples.
        pseudo_labels: Valence and arousal that stood for each class in training; empty if none did.
    """
    regression = tuple(_agreements(scored, "annotated"))
    constants = tuple(_agreements(scored, "class_constant"))
    sentences = [ANNOTATED] if regression else []
    if constants or pseudo_labels:
        sentences.append(CONSTANTS)
    return Affect(
        regression=regression,
        class_constants=constants,
        pseudo_labels=dict(pseudo_labels),
        sentence=" ".join(sentences or [NOTHING]),
    )


def _agreements(scored: Scored, source: str) -> Iterator[Agreement]:
    from_source = np.array([found == source for found in scored.affect_sources], bool)
    for dimension in DIMENSIONS:
        predicted, true = getattr(scored, dimension), getattr(scored, f"true_{dimension}")
        known = from_source & np.isfinite(predicted) & np.isfinite(true)
        if not known.any():
            continue
        columns = moment_columns(predicted[known], true[known])
        sums = resample(columns, clusters_of(scored.rows(known)))
        yield Agreement(
            dimension=dimension,
            samples=int(known.sum()),
            ccc=estimate(sums, concordance),
            pearson=estimate(sums, correlation),
            mae=estimate(sums, mean_error),
        )
