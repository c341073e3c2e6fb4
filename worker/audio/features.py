"""Log-mel bands and MFCC of a sound, both from one mel spectrogram.

Levels are in dB against a full-scale sine and end at a fixed floor. Nothing is normalised to the
clip at hand, so a moment has the same features whatever else was recorded, and loudness survives.
"""

from __future__ import annotations

import io
import math
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import librosa
import numpy as np
from numpy.typing import NDArray

from worker.audio.samples import SAMPLE_RATE_HZ, clean

FRAME_SAMPLES = 400  # 25 ms
HOP_SAMPLES = 160  # 10 ms
FFT_SAMPLES = 512
MEL_BANDS = 64
MFCC_COUNT = 13
LOWEST_HZ = 20.0
HIGHEST_HZ = 8000.0

# Power of a sine of amplitude 1 in one bin of the transform: a Hann window sums to half its length.
FULL_SCALE_POWER = (FRAME_SAMPLES / 4) ** 2
# Well above the rounding noise of 16-bit sound (-108 dB in the widest band), and below the soft
# consonants of quietly recorded speech.
FLOOR_DB = -90.0
# Coefficient 0 of a column that lies at the floor in each band; the other coefficients are then 0.
FLOOR_MFCC0 = FLOOR_DB * math.sqrt(MEL_BANDS)


@dataclass(frozen=True)
class SoundFeatures:
    """Features of a sound, one column every ``hop_s``.

    Attributes:
        log_mel: Levels in dB, (64, T), lowest band first, from ``FLOOR_DB`` to about 0.
        mfcc: Coefficients 0 to 12 of the orthonormal DCT of ``log_mel``, (13, T).
        hop_s: Time from one column to the next.
        start_s: Time of the first column's middle, from the start of the media.
    """

    log_mel: NDArray[np.float32]
    mfcc: NDArray[np.float32]
    hop_s: float
    start_s: float = 0.0


def extract(sound: NDArray[np.floating], start_s: float = 0.0) -> SoundFeatures:
    """Return the features of a sound at 16 kHz.

    Args:
        sound: Samples, (samples,), full scale is 1; anything not finite counts as silence. A sound
            of n > 0 samples has 1 + n // 160 columns, an empty one has none.
        start_s: Where in the media the sound starts.
    """
    hop_s = HOP_SAMPLES / SAMPLE_RATE_HZ
    if not sound.size:
        nothing = np.zeros((MEL_BANDS + MFCC_COUNT, 0), np.float32)
        return SoundFeatures(nothing[:MEL_BANDS], nothing[MEL_BANDS:], hop_s, start_s)
    power = librosa.feature.melspectrogram(
        # Padded here and not by librosa, which warns of sounds shorter than its transform. Mirrored,
        # since speech that is cut off into zeros would show a click.
        y=np.pad(clean(sound), FFT_SAMPLES // 2, mode="reflect"),
        sr=SAMPLE_RATE_HZ,
        n_fft=FFT_SAMPLES,
        win_length=FRAME_SAMPLES,
        hop_length=HOP_SAMPLES,
        center=False,
        n_mels=MEL_BANDS,
        fmin=LOWEST_HZ,
        fmax=HIGHEST_HZ,
        # Filters of equal height: a sine reads the same in each band, and the weak high bands of
        # speech are not pushed to the floor.
        norm=None,
    )
    log_mel = librosa.power_to_db(
        power, ref=FULL_SCALE_POWER, amin=FULL_SCALE_POWER * 10 ** (FLOOR_DB / 10), top_db=None
    ).astype(np.float32, copy=False)
    mfcc = librosa.feature.mfcc(S=log_mel, n_mfcc=MFCC_COUNT).astype(np.float32, copy=False)
    return SoundFeatures(log_mel, mfcc, hop_s, start_s)


def span_s(features: SoundFeatures) -> tuple[float, float]:
    """Return from when to when in the media the columns are, each counted from its middle to the next."""
    return features.start_s, features.start_s + features.log_mel.shape[1] * features.hop_s


def save(features: SoundFeatures) -> bytes:
    """Return the features as the bytes of an ``.npz`` file."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        log_mel=features.log_mel,
        mfcc=features.mfcc,
        hop_s=np.float64(features.hop_s),
        start_s=np.float64(features.start_s),
    )
    return buffer.getvalue()


def load(data: bytes) -> SoundFeatures:
    """Return the features that ``save`` wrote; nothing in the bytes is executed.

    Raises:
        ValueError: The bytes are cut off, or hold something else.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            features = SoundFeatures(
                arrays["log_mel"], arrays["mfcc"], float(arrays["hop_s"]), float(arrays["start_s"])
            )
    except (EOFError, KeyError, OSError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"These bytes hold no sound features: {error}") from error
    columns = features.log_mel.shape[-1:]
    if features.log_mel.shape != (MEL_BANDS, *columns) or features.mfcc.shape != (MFCC_COUNT, *columns):
        raise ValueError("These bytes hold no sound features: the arrays have other shapes.")
    return features


def warm_up(cache_dir: Path | None = None) -> None:
    """Make librosa load and compile what ``extract`` needs: up to 20 s once, seconds thereafter.

    Call it in a worker before it forks, and before anything else uses librosa.

    Args:
        cache_dir: Where numba keeps compiled code if it may not write beside librosa, where one
            installation compiles once for all its data folders. ``NUMBA_CACHE_DIR`` overrides both.
    """
    beside = Path(librosa.__file__).parent
    if cache_dir is not None and "NUMBA_CACHE_DIR" not in os.environ and not os.access(beside, os.W_OK):
        cache_dir.mkdir(parents=True, exist_ok=True)
        os.environ["NUMBA_CACHE_DIR"] = str(cache_dir.absolute())
    extract(np.zeros(SAMPLE_RATE_HZ, np.float32))
