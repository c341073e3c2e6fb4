"""Changes to voices: silence, loudness, noise and codecs."""

from __future__ import annotations

import subprocess
import wave as wavefile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from shared.settings import Settings
from training.features.sources import demuxer_of
from worker.audio.samples import SAMPLE_RATE_HZ
from worker.media.material import probe_within
from worker.media.sandbox import no_checkpoint
from worker.media.sound import read_sound

Wave = NDArray[np.float64]

_SAMPLE_BYTES, _FULL_SCALE = 2, 2**15 - 1
SILENCE_S, QUIET_DB, LOUD_DB, NOISE_DB = 1.0, -20.0, 12.0, 20.0


class Coding(NamedTuple):
    """How a sound is coded: FFmpeg's options, and the suffix of the file."""

    options: Sequence[str]
    suffix: str


class Change(NamedTuple):
    """A change to a sound: to its samples, and how they are coded; as WAV where that is None."""

    samples: Callable[[Wave, np.random.Generator], Wave]
    coding: Coding | None = None


def padded(wave: Wave, seconds: float) -> Wave:
    """Return a sound with digital silence at each end."""
    silence = np.zeros(round(seconds * SAMPLE_RATE_HZ))
    return np.concatenate([silence, wave, silence])


def amplified(wave: Wave, decibels: float) -> Wave:
    """Return a sound at another loudness, clipped at full scale."""
    return np.asarray(np.clip(wave * 10 ** (decibels / 20), -1, 1))


def with_noise(wave: Wave, generator: np.random.Generator, snr_db: float) -> Wave:
    """Return a sound with white noise, so many dB below its mean power."""
    power = float(np.mean(wave**2)) * 10 ** (-snr_db / 10)
    return np.asarray(np.clip(wave + generator.normal(0, np.sqrt(power), wave.shape), -1, 1))


def white(seconds: float, level_db: float, generator: np.random.Generator) -> Wave:
    """Return white noise at a level in dB of full scale; silence at minus infinity."""
    samples = round(seconds * SAMPLE_RATE_HZ)
    return np.asarray(np.clip(generator.normal(0, 1, samples) * 10 ** (level_db / 20), -1, 1))


def _same(wave: Wave, _: np.random.Generator) -> Wave:
    return wave


# The first changes nothing.
CHANGES: Mapping[str, Change] = {
    "as they are": Change(_same),
    f"{SILENCE_S:g} s of silence at each end": Change(lambda wave, _: padded(wave, SILENCE_S)),
    f"quiet ({QUIET_DB:g} dB)": Change(lambda wave, _: amplified(wave, QUIET_DB)),
    f"loud (+{LOUD_DB:g} dB, clipped)": Change(lambda wave, _: amplified(wave, LOUD_DB)),
    f"white noise ({NOISE_DB:g} dB SNR)": Change(lambda wave, chance: with_noise(wave, chance, NOISE_DB)),
    "MP3, 32 kbit/s": Change(_same, Coding(("-c:a", "libmp3lame", "-b:a", "32k"), ".mp3")),
    "Ogg Vorbis, quality 0": Change(_same, Coding(("-c:a", "libvorbis", "-q:a", "0"), ".ogg")),
    "telephone (8 kHz, mu-law)": Change(_same, Coding(("-ar", "8000", "-c:a", "pcm_mulaw"), ".wav")),
    "mobile phone (8 kHz, AMR 12.2)": Change(
        _same, Coding(("-ar", "8000", "-c:a", "libopencore_amrnb", "-b:a", "12.2k"), ".amr")
    ),
}


def read(path: Path, settings: Settings) -> Wave:
    """Return the sound of a file as the worker hears it: one channel, 16 kHz.

    Raises:
        AvemotionError: It cannot be decoded.
    """
    media = probe_within(path, demuxer_of(path), settings, no_checkpoint)
    sound = read_sound(
        path,
        media,
        start_s=0,
        end_s=media.duration_s,
        memory_mb=settings.decode_memory_mb,
        time_limit_s=settings.stage_time_limit_s,
    )
    return sound.astype(np.float64)


def write(path: Path, wave: Wave, coding: Coding | None = None) -> Path:
    """Write a sound of 16 kHz, and return where: the path with the suffix of its coding.

    Raises:
        subprocess.CalledProcessError: FFmpeg cannot code so.
    """
    plain = path.with_suffix(".plain.wav")
    with wavefile.open(str(plain), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(_SAMPLE_BYTES)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(np.rint(np.clip(wave, -1, 1) * _FULL_SCALE).astype("<i2").tobytes())
    if coding is None:
        return plain
    coded = path.with_suffix(coding.suffix)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(plain), "-ac", "1"]
    subprocess.run([*command, *coding.options, str(coded)], check=True)
    plain.unlink()
    return coded
