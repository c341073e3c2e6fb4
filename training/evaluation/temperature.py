"""Temperature scaling: one number that logits are divided by (Guo et al. 2017)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import softmax

from training.evaluation.bootstrap import SEED, clusters_of
from training.evaluation.faults import invalid
from training.evaluation.scored import Scored, check_same_labels

LOWEST, HIGHEST = 0.05, 20.0
# What a handful of samples asks for is chance.
FEWEST_SAMPLES = 20
PARTS = 5


class Temperature(NamedTuple):
    """A fitted temperature.

    Attributes:
        value: What logits are divided by; 1 changes nothing.
        samples: How many labelled samples it was fitted on.
        note: Why it is not what the samples alone would ask for; None if it is.
    """

    value: float
    samples: int
    note: str | None = None


class Scaling(NamedTuple):
    """How logits were scaled for the figures.

    Attributes:
        kept: The temperature for the checkpoint.
        rows: What each sample's logits are divided by, float64 (N,); never fitted on that sample.
        basis: What it was fitted on, in a sentence.
    """

    kept: Temperature
    rows: NDArray[np.float64]
    basis: str


def fit_temperature(logits: NDArray[np.floating], truth: NDArray[np.integer]) -> Temperature:
    """Return the temperature with the least negative log-likelihood on held-out samples.

    That likelihood is convex in the inverse temperature, so the best one is where its slope is 0. It has none
    where every sample is right (ever colder is ever better): then the temperature stays 1.

    Args:
        logits: Of samples that the model was not trained on, (N, K).
        truth: Index of the true label, (N,); samples with -1 are left out.
    """
    known = truth >= 0
    z, y = logits[known].astype(np.float64), truth[known]
    if len(y) < FEWEST_SAMPLES:
        return Temperature(1.0, len(y), f"there are only {len(y)} labelled samples")
    true_logits = z[np.arange(len(y)), y]
    if (true_logits >= z.max(-1)).all():
        return Temperature(1.0, len(y), "the model is right on all of them")

    def slope(inverse: float) -> float:
        expected = (softmax(inverse * z, axis=-1) * z).sum(-1)
        return float((expected - true_logits).mean())

    coldest, hottest = 1 / LOWEST, 1 / HIGHEST
    if slope(coldest) <= 0:
        return Temperature(LOWEST, len(y), "it is the lowest that is allowed")
    if slope(hottest) >= 0:
        return Temperature(
            HIGHEST, len(y), "it is the highest that is allowed: the model does no better than chance"
        )
    return Temperature(1 / float(brentq(slope, hottest, coldest)), len(y))


def scale(scored: Scored, validation: Scored | None = None) -> Scaling:
    """Return a temperature for each sample that was not fitted on it, and the one to keep.

    Args:
        scored: The samples to be scaled.
        validation: Other held-out samples to fit on. Without them each fold (else each fifth of the speakers,
            else of the samples) is scaled by what fits the others, and what fits all is kept.

    Raises:
        AvemotionError: ``INVALID_DATASET`` where labels differ, or samples are in both.
    """
    if validation is not None:
        check_same_labels(scored, validation)
        shared = set(scored.keys) & set(validation.keys)
        if shared:
            raise invalid(
                f"The temperature cannot be fitted on samples that are tested: {len(shared)} are in both, "
                f"such as {min(shared)[1]}."
            )
        kept = fit_temperature(validation.logits, validation.truth)
        return Scaling(kept, np.full(len(scored), kept.value), "fitted on separate validation samples")
    parts, basis = _parts(scored)
    rows = np.ones(len(scored))
    for part in np.unique(parts):
        inside = parts == part
        rows[inside] = fit_temperature(scored.logits[~inside], scored.truth[~inside]).value
    return Scaling(fit_temperature(scored.logits, scored.truth), rows, basis)


def _parts(scored: Scored) -> tuple[NDArray[np.int64], str]:
    """Return which samples are scaled together by what fits the others, and a sentence on it."""
    if len(np.unique(scored.folds)) > 1:
        return scored.folds, "for each fold fitted on the other folds"
    clusters = clusters_of(scored)
    order = np.random.default_rng(SEED).permutation(clusters.count)
    return order[clusters.index] % PARTS, f"for each fifth of the {clusters.unit} fitted on the others"
