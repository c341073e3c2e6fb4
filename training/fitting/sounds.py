"""Changes to training sounds, made on their features: loudness, noise, voice, speed, and gaps."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from worker.audio.features import FLOOR_DB, MFCC_COUNT, SoundFeatures

Generator = np.random.Generator
Levels = NDArray[np.float32]

# At a strength of 1.
_GAIN_DB: Final = 12.0
_TILT_DB: Final = 6.0
_SPEED: Final = 0.12
_PITCH_BANDS: Final = 3.0
_LONGEST_GAP_S: Final = 0.2
_WIDEST_GAP_BANDS: Final = 10
# Noise alone, from a still room to a busy street.
_NOISE_LEVELS_DB: Final = (-75.0, -20.0)


def augment_sound(features: SoundFeatures, generator: Generator, *, strength: float) -> SoundFeatures:
    """Return a sound as another microphone, room or speaker might have given it.

    Louder or softer, brighter or duller; with a floor of noise; a little faster or slower, higher or lower;
    and with gaps in time and frequency (SpecAugment, Park et al. 2019). MFCC follow the changed levels.

    Args:
        features: Of a segment.
        generator: Where chance comes from.
        strength: 0 changes nothing, 1 is usual.
    """
    if strength <= 0 or not features.log_mel.shape[1]:
        return features
    levels, hop_s = features.log_mel, features.hop_s
    levels = _with_other_voice(levels, generator, strength)
    # A sound that is played faster has its columns closer together.
    speed = float(np.exp(generator.uniform(-_SPEED, _SPEED) * strength))
    levels = _stretched(levels, 1 / speed)
    tilt = generator.normal(0, _TILT_DB / 2) * strength * np.linspace(-1, 1, len(levels))
    gain_db = generator.uniform(-_GAIN_DB, _GAIN_DB) * strength
    levels = levels + tilt[:, None].astype(np.float32) + np.float32(gain_db)
    if generator.random() < 0.5 * strength:
        levels = _with_noise(levels, generator)
    levels = np.clip(levels, FLOOR_DB, 0).astype(np.float32)
    for _ in range(2):
        if generator.random() < 0.5 * strength:
            width = generator.integers(1, _WIDEST_GAP_BANDS + 1)
            first = generator.integers(0, len(levels) - width + 1)
            levels[first : first + width] = levels.mean()
        if generator.random() < 0.5 * strength:
            columns = max(1, int(generator.uniform(0, _LONGEST_GAP_S) / hop_s))
            first = generator.integers(0, max(1, levels.shape[1] - columns))
            levels[:, first : first + columns] = FLOOR_DB
    return _with_levels(features, levels)


def only_noise(features: SoundFeatures, generator: Generator) -> SoundFeatures:
    """Return a sound as long as another in which nobody speaks: steady noise of some level and colour.

    Sound that is not silent counts as a voice when a clip is scored, so a model has to hear that it is none.

    Args:
        features: Of a segment.
        generator: Where chance comes from.
    """
    bands, columns = features.log_mel.shape
    noise = generator.uniform(*_NOISE_LEVELS_DB) + _colour(bands, generator)
    return _with_levels(
        features, np.clip(noise[:, None] + _flutter((bands, columns), generator), FLOOR_DB, 0)
    )


def _with_levels(features: SoundFeatures, levels: NDArray[np.floating]) -> SoundFeatures:
    """Return features of a sound whose spectrum has other levels; MFCC follow."""
    log_mel = levels.astype(np.float32)
    mfcc = dct(log_mel, axis=0, norm="ortho")[:MFCC_COUNT].astype(np.float32)
    return replace(features, log_mel=log_mel, mfcc=mfcc)


def _with_other_voice(levels: Levels, generator: Generator, strength: float) -> Levels:
    """Shift the spectrum along its bands, as a higher or lower voice would."""
    shift = generator.uniform(-_PITCH_BANDS, _PITCH_BANDS) * strength
    places = np.arange(len(levels)) - shift
    low = np.clip(np.floor(places).astype(int), 0, len(levels) - 1)
    high = np.clip(low + 1, 0, len(levels) - 1)
    share = np.clip(places - low, 0, 1)[:, None].astype(np.float32)
    shifted: Levels = levels[low] * (1 - share) + levels[high] * share
    return shifted


def _stretched(levels: Levels, factor: float) -> Levels:
    columns = max(1, round(levels.shape[1] * factor))
    return np.asarray(cv2.resize(levels, (columns, len(levels)), interpolation=cv2.INTER_LINEAR), np.float32)


def _with_noise(levels: Levels, generator: Generator) -> Levels:
    """Add a steady noise of some colour, 5 to 40 dB below the loudest moments."""
    below_db = generator.uniform(5, 40)
    noise = np.percentile(levels, 95) - below_db + _colour(len(levels), generator)
    noise = noise[:, None] + _flutter(levels.shape, generator)
    mixed: Levels = (10 * np.log10(10 ** (levels / 10) + 10 ** (noise / 10))).astype(np.float32)
    return mixed


def _colour(bands: int, generator: Generator) -> NDArray[np.float64]:
    """Return by how much each band of a noise lies above their mean, in dB."""
    colour = np.cumsum(generator.normal(0, 1, bands))
    return np.asarray(colour - colour.mean())


def _flutter(shape: tuple[int, ...], generator: Generator) -> NDArray[np.float64]:
    """Return by how much levels of a steady noise differ from moment to moment, in dB."""
    return generator.normal(0, 1.5, shape)
