from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import librosa
import numpy as np
import pytest

from worker.audio.features import (
    FLOOR_DB,
    FLOOR_MFCC0,
    HIGHEST_HZ,
    LOWEST_HZ,
    MEL_BANDS,
    MFCC_COUNT,
    SoundFeatures,
    extract,
    load,
    save,
    warm_up,
)

from . import sounds

BAND_CENTRES_HZ = librosa.mel_frequencies(MEL_BANDS + 2, fmin=LOWEST_HZ, fmax=HIGHEST_HZ)[1:-1]


@pytest.mark.parametrize("hertz", [100.0, 440.0, 1000.0, 6000.0])
def test_a_tone_lights_its_band(hertz: float) -> None:
    """Between its ends, a steady tone is loudest in the band whose centre is nearest to it."""
    features = extract(sounds.tone(1.0, hertz))

    nearest = int(np.abs(BAND_CENTRES_HZ - hertz).argmin())
    assert set(features.log_mel[:, 2:-2].argmax(axis=0)) == {nearest}


def test_levels_are_relative_to_full_scale() -> None:
    """A full-scale tone reads about 0 dB, and a tenth of its amplitude 20 dB less."""
    loud = extract(sounds.tone(1.0, 440.0, 1.0)).log_mel[:, 2:-2].max(axis=0)
    soft = extract(sounds.tone(1.0, 440.0, 0.1)).log_mel[:, 2:-2].max(axis=0)

    assert np.all(np.abs(loud) < 3)
    np.testing.assert_allclose(loud - soft, 20, atol=0.01)


def test_a_rising_chirp_rises() -> None:
    """The loudest band of a rising chirp never falls."""
    loudest = extract(sounds.chirp(2.0, 100.0, 7000.0)).log_mel.argmax(axis=0)

    assert np.all(np.diff(loudest[1:-1]) >= 0)
    assert loudest[-2] > loudest[1] + 50


def test_features_do_not_depend_on_the_rest_of_the_clip() -> None:
    """A soft tone has the same columns alone and before something far louder."""
    soft = sounds.tone(0.5, amplitude=0.001)

    alone = extract(soft)
    followed = extract(np.concatenate([soft, sounds.tone(5.0, 200.0, 1.0)]))

    # The last two columns of the soft tone reach into what follows it.
    kept = alone.log_mel.shape[1] - 3
    np.testing.assert_allclose(followed.log_mel[:, :kept], alone.log_mel[:, :kept], atol=1e-3)
    np.testing.assert_allclose(followed.mfcc[:, :kept], alone.mfcc[:, :kept], atol=1e-2)


def test_mfcc_are_the_cosine_transform_of_the_log_mel() -> None:
    """The MFCC are coefficients 0 to 12 of the orthonormal DCT-II of the same log-mel."""
    features = extract(sounds.noise(0.5, 0.1))

    coefficient, band = np.arange(MFCC_COUNT)[:, None], np.arange(MEL_BANDS)
    cosines = np.sqrt(2 / MEL_BANDS) * np.cos(np.pi * coefficient * (band + 0.5) / MEL_BANDS)
    cosines[0] /= np.sqrt(2)
    expected = cosines @ features.log_mel
    np.testing.assert_allclose(features.mfcc, expected, atol=1e-3)


def test_silence_lies_at_the_floor() -> None:
    """Silence has the floor in each band, and MFCC of which only the first is not 0."""
    features = extract(sounds.silence(1.0))

    assert np.all(features.log_mel == FLOOR_DB)
    np.testing.assert_allclose(features.mfcc[0], FLOOR_MFCC0, rtol=1e-5)
    np.testing.assert_allclose(features.mfcc[1:], 0, atol=1e-3)


@pytest.mark.parametrize(
    ("samples", "columns"), [(0, 0), (1, 1), (159, 1), (160, 2), (511, 4), (16_000, 101)]
)
def test_every_length_has_its_columns(samples: int, columns: int) -> None:
    """A sound of n samples has 1 + n // 160 columns and raises no warning, however short it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features = extract(sounds.noise(1.0, 0.1)[:samples], start_s=60.0)

    assert features.log_mel.shape == (MEL_BANDS, columns)
    assert features.mfcc.shape == (MFCC_COUNT, columns)
    assert features.log_mel.dtype == features.mfcc.dtype == np.float32
    assert (features.hop_s, features.start_s) == (0.01, 60.0)


def test_values_that_are_no_sound_count_as_silence_or_full_scale() -> None:
    """NaN counts as silence and infinity or huge values as full scale; no feature is NaN."""
    broken = sounds.silence(1.0).astype(np.float64)
    broken[::3] = np.nan
    assert np.all(extract(broken).log_mel == FLOOR_DB)

    broken[::7] = np.inf
    broken[::11] = -1e300
    features = extract(broken)
    assert np.isfinite(features.log_mel).all()
    assert np.isfinite(features.mfcc).all()
    assert features.log_mel.max() > -40


def test_extract_is_deterministic() -> None:
    """The same sound gives the same bytes, and is not changed."""
    sound = sounds.noise(1.0, 0.1)
    before = sound.copy()

    assert save(extract(sound)) == save(extract(sound))
    np.testing.assert_array_equal(sound, before)


def test_features_survive_their_bytes() -> None:
    """What load returns is what save was given."""
    features = extract(sounds.chirp(1.0, 100.0, 4000.0), start_s=12.5)

    read = load(save(features))

    np.testing.assert_array_equal(read.log_mel, features.log_mel)
    np.testing.assert_array_equal(read.mfcc, features.mfcc)
    assert (read.hop_s, read.start_s) == (features.hop_s, 12.5)


def _archive(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # Objects are what load must refuse.
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive",
        save(extract(sounds.silence(0.1)))[:-40],
        _archive(log_mel=np.zeros((64, 3))),
        _archive(log_mel=np.array([{}]), mfcc=np.zeros((13, 1)), hop_s=0.01, start_s=0.0),
        save(SoundFeatures(np.zeros((64, 3), np.float32), np.zeros((13, 2), np.float32), 0.01)),
        save(SoundFeatures(np.zeros(64, np.float32), np.zeros(13, np.float32), 0.01)),
    ],
    ids=["empty", "garbage", "cut off", "incomplete", "pickled", "unequal", "flat"],
)
def test_load_refuses_other_bytes(data: bytes) -> None:
    """Bytes that are not whole features, or that hold pickled objects, are a ValueError."""
    with pytest.raises(ValueError, match="hold no sound features"):
        load(data)


def test_warm_up_gives_numba_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """warm_up names a cache folder to numba where it may not write beside librosa, and only there."""
    cache = tmp_path / "cache" / "numba"
    monkeypatch.setenv("NUMBA_CACHE_DIR", "elsewhere")
    warm_up(cache)
    assert os.environ["NUMBA_CACHE_DIR"] == "elsewhere"

    monkeypatch.delenv("NUMBA_CACHE_DIR")
    warm_up(cache)
    assert "NUMBA_CACHE_DIR" not in os.environ

    read_only = tmp_path / "nowhere" / "__init__.py"
    monkeypatch.setattr(librosa, "__file__", str(read_only))
    warm_up(cache)
    assert os.environ["NUMBA_CACHE_DIR"] == str(cache)
    assert cache.is_dir()
