"""Whether a model that is 80 % sure is right in 80 % of cases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from training.evaluation.document import Bin

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

BINS = 15


def log_probabilities(logits: NDArray[np.floating], temperature: float | Array = 1.0) -> Array:
    """Return the logarithm of the softmax of scaled logits, float64 (N, K).

    Args:
        logits: What the softmax takes, (N, K).
        temperature: What they are divided by: one number, or one a sample, (N,).
    """
    divisor = np.broadcast_to(np.asarray(temperature, np.float64), len(logits))[:, None]
    return np.asarray(log_softmax(logits.astype(np.float64) / divisor, axis=-1))


def negative_log_likelihoods(log_p: Array, truth: Labels) -> Array:
    """Return the negative logarithm of the true label's probability, in nats, (N,)."""
    return np.asarray(-log_p[np.arange(len(truth)), truth])


def brier_scores(log_p: Array, truth: Labels) -> Array:
    """Return the squared distance to the one-hot truth, in [0, 2], (N,) (Brier 1950)."""
    wanted = np.eye(log_p.shape[1])[truth]
    return np.asarray(((np.exp(log_p) - wanted) ** 2).sum(-1))


def equal_width_bins(log_p: Array, truth: Labels, bins: int = BINS) -> tuple[Bin, ...]:
    """Return bins of equal width over the confidence, empty ones left out (Guo et al. 2017).

    A bin holds its upper end and not its lower one. Confidence is the largest probability.

    Args:
        log_p: Logarithms of probabilities, (N, K).
        truth: Index of the true label, (N,).
        bins: Number of bins.
    """
    edges = np.linspace(0, 1, bins + 1)
    confidence, right = _top(log_p, truth)
    return _bins(confidence, right, np.searchsorted(edges[1:-1], confidence, side="left"), edges)


def equal_mass_bins(log_p: Array, truth: Labels, bins: int = BINS) -> tuple[Bin, ...]:
    """Return bins that hold about equally many samples (Nguyen & O'Connor 2015).

    Samples of the same confidence share a bin, so the order of the samples does not matter.
    """
    confidence, right = _top(log_p, truth)
    ordered = np.sort(confidence)
    starts = ordered[np.arange(bins) * len(ordered) // bins]
    edges = np.append(starts, 1.0)
    return _bins(confidence, right, np.searchsorted(edges[:-1], confidence, side="right") - 1, edges)


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """Return the expected calibration error: the mean gap of the bins, weighted by their samples.

    Naeini, Cooper & Hauskrecht (2015) and Guo et al. (2017); in small samples it is too large.
    """
    samples = sum(entry.samples for entry in bins)
    return sum(entry.samples * abs(entry.accuracy - entry.confidence) for entry in bins) / samples


def _top(log_p: Array, truth: Labels) -> tuple[Array, Array]:
    """Return the confidence of each prediction, and 1 where it is right."""
    predicted = log_p.argmax(-1)
    return np.exp(log_p.max(-1)), (predicted == truth).astype(np.float64)


def _bins(confidence: Array, right: Array, index: Labels, edges: Array) -> tuple[Bin, ...]:
    count = len(edges) - 1
    samples, sure, hits = (np.bincount(index, weights, count) for weights in (None, confidence, right))
    return tuple(
        Bin(
            low=edges[entry],
            high=edges[entry + 1],
            samples=int(samples[entry]),
            confidence=sure[entry] / samples[entry],
            accuracy=hits[entry] / samples[entry],
        )
        for entry in np.flatnonzero(samples)
    )
