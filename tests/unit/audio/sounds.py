"""Sounds that the tests make."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def tone(seconds: float, hertz: float = 440.0, amplitude: float = 0.5) -> NDArray[np.float32]:
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * hertz * times_s)).astype(np.float32)


def chirp(seconds: float, first_hz: float, last_hz: float) -> NDArray[np.float32]:
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    cycles = first_hz * times_s + (last_hz - first_hz) / (2 * seconds) * times_s**2
    return (0.5 * np.sin(2 * np.pi * cycles)).astype(np.float32)


def noise(seconds: float, rms: float) -> NDArray[np.float32]:
    return (rms * np.random.default_rng(0).standard_normal(round(seconds * RATE_HZ))).astype(np.float32)


def click(seconds: float, at_s: float) -> NDArray[np.float32]:
    sound = silence(seconds)
    sound[round(at_s * RATE_HZ)] = 1.0
    return sound
