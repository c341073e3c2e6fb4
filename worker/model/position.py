"""Where a token stands: a fixed table of sines and cosines."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

LONGEST_PERIOD = 10_000.0


@lru_cache(maxsize=8)
def sincos_table(tokens: int, width: int) -> NDArray[np.float32]:
    """Return the position table of VideoMAE, (tokens, width), read-only.

    Column j of row p is sin (j even) or cos (j odd) of ``p / 10000^(2 * floor(j / 2) / width)``, where
    p counts tokens in time, row, column order. It is a constant and no weight: another number of
    frames or another size needs another table, and nothing is interpolated.

    Source: Vaswani et al. 2017, as used by github.com/MCG-NJU/VideoMAE.
    """
    columns = np.arange(width)
    angles = np.arange(tokens)[:, None] / LONGEST_PERIOD ** (2 * (columns // 2) / width)
    table = np.where(columns % 2 == 0, np.sin(angles), np.cos(angles)).astype(np.float32)
    table.flags.writeable = False
    return table
