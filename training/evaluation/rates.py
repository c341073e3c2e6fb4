"""Figures of a confusion matrix; each works on a stack of matrices as on one.

All take counts of shape (..., K, K): a row is a true label, a column a predicted one. What has no value (the
recall of a label that does not occur) is NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def confusion_cells(truth: NDArray[np.int64], predicted: NDArray[np.int64], labels: int) -> Array:
    """Return which cell of the matrix each sample falls in, one-hot, float64 (N, labels * labels)."""
    return np.asarray(np.eye(labels * labels)[truth * labels + predicted])


def accuracy(counts: Array) -> Array:
    """Return the share of samples given their true label, (...).

    Also called WAR, weighted average recall: it is the mean of the recalls, weighted by support.
    """
    return _ratio(np.trace(counts, axis1=-2, axis2=-1), counts.sum((-2, -1)))


def recalls(counts: Array) -> Array:
    """Return the recall of each label, (..., K); NaN for one that does not occur."""
    return _ratio(_hits(counts), counts.sum(-1))


def precisions(counts: Array) -> Array:
    """Return the precision of each label, (..., K); NaN for one that is never predicted."""
    return _ratio(_hits(counts), counts.sum(-2))


def f1_scores(counts: Array) -> Array:
    """Return the F1 score of each label, (..., K); NaN for one that neither occurs nor is predicted."""
    return _ratio(2 * _hits(counts), counts.sum(-1) + counts.sum(-2))


def unweighted_recall(counts: Array) -> Array:
    """Return the mean recall over the labels that occur, (...): UAR (unweighted average recall)."""
    return _mean_of_occurring(recalls(counts), counts)


def macro_f1(counts: Array) -> Array:
    """Return the mean F1 score over the labels that occur, (...)."""
    return _mean_of_occurring(f1_scores(counts), counts)


def share_excess(counts: Array) -> Array:
    """Return how much larger each label's share of the predictions is than of the truth, (..., K)."""
    return _ratio(counts.sum(-2) - counts.sum(-1), counts.sum((-2, -1))[..., None])


def _hits(counts: Array) -> Array:
    return np.diagonal(counts, axis1=-2, axis2=-1)


def _mean_of_occurring(values: Array, counts: Array) -> Array:
    occurs = counts.sum(-1) > 0
    return _ratio(np.where(occurs, values, 0).sum(-1), occurs.sum(-1))


def _ratio(upper: Array, lower: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(lower > 0, upper / lower, np.nan))
