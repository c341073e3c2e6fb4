"""What every step of the sound agrees on: the rate, and samples that cannot break arithmetic."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000


def clean(sound: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return samples that are finite and within full scale.

    Float files may hold anything. What is no number becomes silence; what is beyond full scale is
    clipped, as any player would.

    Args:
        sound: Samples, (samples,), full scale is 1.
    """
    finite = np.nan_to_num(sound, nan=0.0, posinf=1.0, neginf=-1.0)
    clipped: NDArray[np.float32] = np.clip(finite, -1.0, 1.0).astype(np.float32, copy=False)
    return clipped
