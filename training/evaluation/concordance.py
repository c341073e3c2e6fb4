"""How far predicted valence or arousal agree with what is true; each works on a stack of sums as on one.

All figures take sums of the columns of ``moment_columns``, (..., 7); what has no value is NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Below this a variance is the rounding of constant values in [-1, 1].
LEAST_VARIANCE = 1e-12


def moment_columns(predicted: NDArray[np.float32], true: NDArray[np.float32]) -> Array:
    """Return what the figures need of each sample, float64 (N, 7).

    Args:
        predicted: Predicted values, (N,).
        true: True values, (N,).
    """
    x, y = predicted.astype(np.float64), true.astype(np.float64)
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y, np.abs(x - y)], axis=-1)


def mean_error(sums: Array) -> Array:
    """Return the mean absolute error, (...)."""
    return _divided(sums[..., 6], sums[..., 0])


def concordance(sums: Array) -> Array:
    """Return the concordance correlation coefficient with variances over n (Lin 1989), (...)."""
    mean_x, mean_y, variance_x, variance_y, covariance = _moments(sums)
    return _divided(2 * covariance, variance_x + variance_y + (mean_x - mean_y) ** 2)


def correlation(sums: Array) -> Array:
    """Return Pearson's correlation, (...); NaN where either side is constant."""
    _, _, variance_x, variance_y, covariance = _moments(sums)
    varied = (variance_x > LEAST_VARIANCE) & (variance_y > LEAST_VARIANCE)
    spread = np.sqrt(np.maximum(variance_x, 0) * np.maximum(variance_y, 0))
    return np.clip(_divided(covariance, np.where(varied, spread, 0)), -1, 1)


def _moments(sums: Array) -> tuple[Array, Array, Array, Array, Array]:
    mean_x, mean_y, square_x, square_y, product = (
        _divided(sums[..., column], sums[..., 0]) for column in range(1, 6)
    )
    return mean_x, mean_y, square_x - mean_x**2, square_y - mean_y**2, product - mean_x * mean_y


def _divided(upper: Array, lower: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(lower > LEAST_VARIANCE, upper / lower, np.nan))
