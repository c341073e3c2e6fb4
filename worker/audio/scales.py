"""Which values of a feature are drawn dark and which bright: fixed, so that pictures compare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.audio.features import FLOOR_DB, FLOOR_MFCC0, MEL_BANDS, MFCC_COUNT


@dataclass(frozen=True)
class Scale:
    """The range of one kind of feature, row by row; each array is (rows, 1).

    Attributes:
        low: Drawn in the darkest colour, like everything below.
        high: Drawn in the brightest colour, like everything above.
        silence: The value where there is no sound.
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    silence: NDArray[np.float32]

    def levels(self, matrix: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the features (rows, T) as brightness from 0 to 255."""
        return np.clip((matrix - self.low) * (255 / (self.high - self.low)), 0, 255).astype(np.float32)

    @property
    def silence_levels(self) -> NDArray[np.float32]:
        """The brightness of silence, (rows, 1)."""
        return self.levels(self.silence)


def _column(values: NDArray[np.floating]) -> NDArray[np.float32]:
    return values.astype(np.float32)[:, None]


_floor_db = _column(np.full(MEL_BANDS, FLOOR_DB))
LOG_MEL = Scale(low=_floor_db, high=np.zeros_like(_floor_db), silence=_floor_db)

# Coefficient 0 is loudness: from silence to the loudest column of shouted speech. The others swing
# about 0, the less the higher they are; these bounds hold 98 % of the columns of EmoDB and RAVDESS.
_swing = 120 / np.sqrt(np.arange(1, MFCC_COUNT))
MFCC = Scale(
    low=_column(np.array([FLOOR_MFCC0, *-_swing])),
    high=_column(np.array([0.25 * FLOOR_MFCC0, *_swing])),
    silence=_column(np.array([FLOOR_MFCC0, *np.zeros(MFCC_COUNT - 1)])),
)
