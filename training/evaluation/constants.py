"""Telling annotated valence and arousal from constants of the class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Fewer samples a class may agree by chance.
LEAST_SAMPLES_A_CLASS = 2


def depends_on_class_alone(truth: NDArray[np.int64], values: NDArray[np.float32]) -> bool:
    """Return whether all samples of each class have one and the same true value.

    Such a column holds no more than the class does, whatever it is called, and agreement with it is no
    result of regression.

    Args:
        truth: Index of the true label, (N,); samples with -1 do not count.
        values: True valence or arousal, (N,); NaN does not count.
    """
    known = (truth >= 0) & np.isfinite(values)
    classes = np.unique(truth[known])
    if known.sum() < LEAST_SAMPLES_A_CLASS * max(1, len(classes)):
        return False
    return all(len(np.unique(values[known & (truth == one)])) == 1 for one in classes)
