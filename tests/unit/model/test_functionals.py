from __future__ import annotations

import numpy as np
import pytest
from scipy.fft import dct

from worker.model.functionals import Functionals

BANDS, COLUMNS = 64, 40


def levels(seed: int = 0) -> np.ndarray:
    """Return a voice of some columns at -30 dB and below, with a pause of ten columns in it."""
    found = np.random.default_rng(seed).uniform(-65, -30, (BANDS, COLUMNS)).astype(np.float32)
    found[:, 12:22] = -88
    return found


def functionals_of(log_mel: np.ndarray) -> np.ndarray:
    layer = Functionals(8)
    layer.build((None, BANDS, COLUMNS))
    return np.array(layer.functionals(log_mel[None]))[0]


def test_functionals_follow_plain_arithmetic() -> None:
    """Mean, deviation and mean step of each band, and deviations of cepstra, over the columns with voice."""
    log_mel = levels()
    relative = log_mel - log_mel.max()
    voiced = relative.max(axis=0) > -40
    scaled = np.maximum(relative, -60) / 30 + 1
    kept, both = scaled[:, voiced], voiced[1:] & voiced[:-1]
    steps = np.abs(np.diff(scaled, axis=1))[:, both]
    cepstra = dct(kept, axis=0, norm="ortho")[1:21]

    found = functionals_of(log_mel)

    assert voiced.sum() == COLUMNS - 10
    expected = [
        kept.mean(axis=1),
        2 * np.sqrt(kept.var(axis=1) + 1e-4),
        6 * steps.sum(axis=1) / (both.sum() + 1),
        2 * np.sqrt(cepstra.var(axis=1) + 1e-4),
    ]
    np.testing.assert_allclose(found, np.concatenate(expected), atol=1e-4)


@pytest.mark.parametrize("gain_db", [-20.0, 15.0])
def test_distance_to_the_microphone_tells_nothing(gain_db: float) -> None:
    """The same voice louder or softer has the same functionals."""
    np.testing.assert_allclose(functionals_of(levels() + gain_db), functionals_of(levels()), atol=1e-4)


def test_silence_gives_numbers() -> None:
    """A window without any level above the floor has finite functionals."""
    assert np.isfinite(functionals_of(np.full((BANDS, COLUMNS), -90, np.float32))).all()
